"""Publishes one latent: opens, sends within the credit, and opens again after a lost connection.

What may be sent when is the outbox's; this file owns the connection and the end of it.
"""

import asyncio
from collections.abc import AsyncIterable, Callable, Iterable
from contextlib import suppress

import grpc

from latentflow.errors import (
    Cancelled,
    FrameOutOfOrder,
    InternalError,
    LatentFlowError,
    Unreachable,
)
from latentflow.latent import Commit, Frame, LatentInfo
from latentflow.relay import Abort, GivenUp, Opened, Progress, PublishEvent, PublishStep, Stored
from latentflow.rpc.deadline import Deadline, Retries
from latentflow.rpc.ending import Ending
from latentflow.rpc.facts import reason_of
from latentflow.rpc.outbox import Outbox
from latentflow.rpc.outgoing import Peer, require_readable
from latentflow.rpc.propagation import outgoing_metadata
from latentflow.v1.broker_pb2 import PublishRequest, PublishResponse
from latentflow.wire.publish import publish_event_from_proto, publish_step_to_proto

PublishMethod = grpc.aio.StreamStreamMultiCallable[PublishRequest, PublishResponse]
PublishCall = grpc.aio.StreamStreamCall[PublishRequest, PublishResponse]
Frames = AsyncIterable[Frame] | Iterable[Frame]
OnAcknowledged = Callable[[int], None]

# How long a cancelled publisher stays to tell the broker that it gave up.
_GIVE_UP_SECONDS = 1.0


class Publication:
    """The publishing of one latent, from its manifest to the broker's word that it is stored."""

    def __init__(
        self,
        peer: Peer,
        method: PublishMethod,
        manifest_bytes: bytes,
        on_acknowledged: OnAcknowledged | None,
    ) -> None:
        self._peer = peer
        self._method = method
        self._on_acknowledged = on_acknowledged
        self._outbox = Outbox(manifest_bytes)
        self._source_failure: Exception | None = None

    async def run(self, frames: Frames, retries: Retries, deadline: Deadline) -> LatentInfo:
        """Raises what the source of the frames raised, after an abort, or what the broker did."""
        feeding = asyncio.create_task(self._feed(frames))
        transfer = asyncio.create_task(self._transfer(retries, deadline))
        try:
            return self._latent_of(await asyncio.shield(transfer))
        except asyncio.CancelledError:
            feeding.cancel()
            self._outbox.give_up(reason_of(Cancelled()))
            await asyncio.wait({transfer}, timeout=_GIVE_UP_SECONDS)
            raise
        except LatentFlowError as error:
            raise self._source_failure or error from None
        finally:
            await _end(feeding, transfer)

    def _latent_of(self, event: Stored | GivenUp) -> LatentInfo:
        if isinstance(event, Stored):
            self._outbox.stored(event.latent)
            self._tell()
            return event.latent
        raise self._source_failure or InternalError()

    async def _feed(self, frames: Frames) -> None:
        try:
            if isinstance(frames, AsyncIterable):
                async for frame in frames:
                    await self._outbox.put(frame)
            else:
                for frame in frames:
                    await self._outbox.put(frame)
            self._outbox.close()
        except Exception as error:
            self._source_failure = error
            known = error if isinstance(error, LatentFlowError) else InternalError()
            self._outbox.give_up(reason_of(known))

    async def _transfer(self, retries: Retries, deadline: Deadline) -> Stored | GivenUp:
        while True:
            acknowledged = self._outbox.acknowledged_frames
            try:
                return await self._attempt(deadline.remaining_seconds())
            except (Unreachable, FrameOutOfOrder) as error:
                if self._outbox.acknowledged_frames > acknowledged:
                    retries.progressed()
                await retries.pause(error)

    async def _attempt(self, timeout: float) -> Stored | GivenUp:
        call = self._method(timeout=timeout, metadata=outgoing_metadata())
        ending = Ending(call)
        sending = asyncio.create_task(self._send(call))
        try:
            async with self._peer.within(timeout):
                return await self._hear_out(call, ending)
        finally:
            call.cancel()
            await _end(sending)

    async def _send(self, call: PublishCall) -> None:
        # When the call is over, the side that reads says why.
        with suppress(grpc.aio.AioRpcError, asyncio.InvalidStateError):
            step: PublishStep = self._outbox.first_step()
            await call.write(publish_step_to_proto(step))
            while not isinstance(step, Commit | Abort):
                step = await self._outbox.next_step()
                await call.write(publish_step_to_proto(step))
            await call.done_writing()

    async def _hear_out(self, call: PublishCall, ending: Ending) -> Stored | GivenUp:
        try:
            async for response in call:
                event = publish_event_from_proto(require_readable(response))
                if isinstance(event, Stored | GivenUp):
                    # Else the cancelling of the call may overtake the broker's OK.
                    await call.code()
                    return event
                self._hear(event)
        except grpc.aio.AioRpcError as error:
            raise ending.behind(error) from error
        raise self._peer.unreachable()

    def _hear(self, event: PublishEvent) -> None:
        if isinstance(event, Opened):
            self._outbox.opened(event)
        elif isinstance(event, Progress):
            self._outbox.progressed(event)
        self._tell()

    def _tell(self) -> None:
        if self._on_acknowledged is not None:
            self._on_acknowledged(self._outbox.acknowledged_frames)


async def _end(*tasks: asyncio.Task[object]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
