"""The broker's public port as a client sees it: domain values in and out, a deadline on every call.

Keeps the contract's client side (credit, resuming, digest); knows nothing of how values are packed.
"""

from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from typing import NamedTuple

import grpc

from latentflow.errors import BrokerUnavailable, MessageMalformed
from latentflow.latent import Commit, Frame, LatentId, LatentInfo, Manifest, require_same
from latentflow.relay import (
    AckCall,
    Delivery,
    FindCall,
    Open,
    RenewCall,
    StreamStep,
    UseCall,
    WatchCall,
)
from latentflow.rpc.deadline import Deadline, Retries, RetryPolicy
from latentflow.rpc.outbox import Outbox, Sign, unsigned
from latentflow.rpc.outgoing import Peer
from latentflow.rpc.publication import Frames, OnAcknowledged, Publication
from latentflow.rpc.status import RETRY_AFTER_SECONDS
from latentflow.rpc.subscription import Cursor, read_stream
from latentflow.v1.broker_pb2_grpc import BrokerServiceStub
from latentflow.wire import flows, lineage
from latentflow.wire.guard import WITHOUT_KEYS, Guard
from latentflow.wire.stream import StreamReader
from latentflow.wire.subscribe import subscribe_call_to_proto

Admit = Callable[[Manifest], None]


class Fetched(NamedTuple):
    """A committed latent. `stream` is unpacked; `wire_bytes` counts manifest and payloads."""

    manifest: Manifest
    stream: bytes
    wire_bytes: int


def unreachable() -> BrokerUnavailable:
    return BrokerUnavailable(retry_after_seconds=RETRY_AFTER_SECONDS)


def admit_every(manifest: Manifest) -> None:
    """Fetches whatever its manifest says."""


class BrokerClient:
    """Every method takes `timeout` seconds and raises the error that the broker raised.

    A broker that can't be reached is BrokerUnavailable, a timeout that passed DeadlineExpired.
    """

    def __init__(self, channel: grpc.aio.Channel, *, retry: RetryPolicy | None = None) -> None:
        self._stub = BrokerServiceStub(channel)
        self._peer = Peer(unreachable)
        self._retry = retry or RetryPolicy()

    async def publish(
        self,
        manifest_bytes: bytes,
        frames: Frames,
        *,
        timeout: float,
        sign: Sign = unsigned,
        on_acknowledged: OnAcknowledged | None = None,
    ) -> LatentInfo:
        """Publishes one latent; frames may still be made while the first ones travel.

        Idempotent: repeated with the same bytes and signature, it goes on where the broker is.
        When `frames` raises or the call is cancelled, the latent is aborted, unless all of it was
        on its way; when the timeout passes or the broker is gone, it stays open for another one.
        """
        deadline = Deadline.after(timeout)
        outbox = Outbox(manifest_bytes, sign)
        publication = Publication(self._peer, self._stub.Publish, outbox, on_acknowledged)
        return await publication.run(frames, Retries(self._retry, deadline), deadline)

    async def subscribe(
        self, latent_id: LatentId, *, first_frame: int = 0, timeout: float
    ) -> AsyncGenerator[StreamStep, None]:
        """The manifest, the frames from `first_frame` on, the commit, as the broker has them."""
        deadline = Deadline.after(timeout)
        steps = read_stream(
            self._peer,
            lambda call: self._peer.follow(
                self._stub.Subscribe,
                subscribe_call_to_proto(call),
                timeout=deadline.remaining_seconds(),
            ),
            Cursor(latent_id, first_frame),
            Retries(self._retry, deadline),
        )
        async with aclosing(steps):
            async for step in steps:
                yield step

    async def fetch(
        self,
        latent_id: LatentId,
        *,
        timeout: float,
        admit: Admit = admit_every,
        guard: Guard = WITHOUT_KEYS,
    ) -> Fetched:
        """A whole latent, verified against its commit, and unsealed.

        `admit` sees the manifest before any frame is taken, and raises to refuse the latent.
        Raises also as `StreamReader`.
        """
        async with aclosing(self.subscribe(latent_id, timeout=timeout)) as steps:
            opening = await anext(steps)
            if not isinstance(opening, Open):
                raise MessageMalformed(field="manifest", problem="does not come first")
            reader = StreamReader(opening.manifest_bytes, guard)
            require_same(latent_id, reader.manifest.latent_id, "latent_id")
            admit(reader.manifest)
            wire_bytes = len(opening.manifest_bytes)
            commit = None
            async for step in steps:
                if isinstance(step, Frame):
                    reader.add(step)
                    wire_bytes += len(step.payload)
                elif isinstance(step, Commit):
                    commit = step
        if commit is None:
            raise unreachable()
        return Fetched(reader.manifest, reader.finish(commit), wire_bytes)

    async def watch(self, call: WatchCall, *, timeout: float) -> AsyncGenerator[Delivery, None]:
        """Latents as they are committed to the flow, until `timeout` raises DeadlineExpired."""
        request = flows.watch_call_to_proto(call)
        responses = self._peer.follow(self._stub.Watch, request, timeout=timeout)
        async with aclosing(responses):
            async for response in responses:
                yield flows.delivery_from_proto(response)

    async def ack(self, call: AckCall, *, timeout: float) -> int:
        """The number of deliveries that were pending until now."""
        request = flows.ack_call_to_proto(call)
        response = await self._peer.ask(self._stub.Ack, request, timeout=timeout)
        return flows.acknowledged_from_proto(response)

    async def get_latent(self, latent_id: LatentId, *, timeout: float) -> LatentInfo:
        request = flows.get_call_to_proto(latent_id)
        response = await self._peer.ask(self._stub.GetLatent, request, timeout=timeout)
        return flows.got_latent_from_proto(response)

    async def find(self, call: FindCall, *, timeout: float) -> LatentInfo | None:
        request = lineage.find_call_to_proto(call)
        response = await self._peer.ask(self._stub.FindLatent, request, timeout=timeout)
        return lineage.found_from_proto(response)

    async def renew(self, call: RenewCall, *, timeout: float) -> LatentInfo:
        """The latent with the life it has now, at most seven days from its creation."""
        request = lineage.renew_call_to_proto(call)
        response = await self._peer.ask(self._stub.RenewLatent, request, timeout=timeout)
        return lineage.renewed_from_proto(response)

    async def record_use(self, call: UseCall, *, timeout: float) -> None:
        """Durable once it returns. Safe to repeat."""
        request = lineage.use_call_to_proto(call)
        await self._peer.ask(self._stub.RecordUse, request, timeout=timeout)
