"""A broker for the client's tests: in memory, counting, and able to fail on demand."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

from latentflow.errors import FrameOutOfOrder, LatentFlowError, StreamMismatch, UnknownLatent
from latentflow.latent import Commit, Frame, LatentId, LatentInfo, LatentState, StreamDigest
from latentflow.relay import (
    Abort,
    Delivery,
    GivenUp,
    LatentPage,
    Open,
    Opened,
    Progress,
    PublishEvent,
    PublishStep,
    Stored,
    StreamStep,
)
from latentflow.rpc.server import Registration
from latentflow.v1.broker_pb2 import RevokeLatentResponse
from latentflow.v1.broker_pb2_grpc import BrokerServiceServicer, add_BrokerServiceServicer_to_server
from latentflow.wire import flows
from latentflow.wire.manifests import manifest_from_bytes
from latentflow.wire.publish import publish_event_to_proto, publish_step_from_proto
from latentflow.wire.subscribe import stream_step_to_proto, subscribe_call_from_proto

Hook = Callable[[int], None]


def _nothing(index: int) -> None:
    pass


class Latent:
    """What the fake holds of one latent."""

    def __init__(self, manifest_bytes: bytes) -> None:
        self.manifest_bytes = manifest_bytes
        self.manifest = manifest_from_bytes(manifest_bytes)
        self.frames: list[Frame] = []
        self.commit: Commit | None = None

    def info(self) -> LatentInfo:
        return LatentInfo(
            manifest=self.manifest,
            state=LatentState.OPEN if self.commit is None else LatentState.COMMITTED,
            frames=len(self.frames),
            payload_bytes=sum(len(frame.payload) for frame in self.frames),
            commit=self.commit,
        )


class FakeBroker(BrokerServiceServicer):
    """Acknowledges as late as its credit lets it, so that a client that sends more is seen."""

    def __init__(self, *, credit_bytes: int = 64 * 1024) -> None:
        self.credit_bytes = credit_bytes
        self.latents: dict[LatentId, Latent] = {}
        self.most_unacknowledged_bytes = 0
        self.frames_received = 0
        self.opened = 0
        self.subscribed = 0
        self.aborted: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self.first_frame = asyncio.Event()
        self.on_frame_stored: Hook = _nothing
        self.on_frame_sent: Hook = _nothing
        self.failures: list[LatentFlowError] = []

    def registration(self) -> Registration:
        return Registration(
            service="latentflow.v1.BrokerService",
            add=lambda server: add_BrokerServiceServicer_to_server(self, server),
        )

    def hold(self, manifest_bytes: bytes, frames: list[Frame], commit: Commit | None) -> LatentId:
        latent = Latent(manifest_bytes)
        latent.frames, latent.commit = frames, commit
        self.latents[latent.manifest.latent_id] = latent
        return latent.manifest.latent_id

    def _find(self, latent_id: LatentId) -> Latent:
        if latent_id not in self.latents:
            raise UnknownLatent(latent_id=latent_id)
        return self.latents[latent_id]

    # --- publish ----------------------------------------------------------------------------

    async def Publish(
        self, request_iterator: AsyncIterator[Any], context: Any
    ) -> AsyncIterator[Any]:
        upload = _Upload(self, request_iterator)
        try:
            async for event in upload.events():
                yield publish_event_to_proto(event)
        finally:
            upload.receiving.cancel()

    def open(self, step: Open) -> Latent:
        self.opened += 1
        latent_id = manifest_from_bytes(step.manifest_bytes).latent_id
        return self.latents.setdefault(latent_id, Latent(step.manifest_bytes))

    # --- subscribe --------------------------------------------------------------------------

    async def Subscribe(self, request: Any, context: Any) -> AsyncIterator[Any]:
        self.subscribed += 1
        call = subscribe_call_from_proto(request)
        latent = self._find(call.latent_id)
        for step in self._steps(latent, call.first_frame):
            yield stream_step_to_proto(step)
            if isinstance(step, Frame):
                self.on_frame_sent(step.index)

    def _steps(self, latent: Latent, first_frame: int) -> list[StreamStep]:
        assert latent.commit is not None
        opening = Open(manifest_bytes=latent.manifest_bytes)
        return [opening, *latent.frames[first_frame:], latent.commit]

    # --- the rest ---------------------------------------------------------------------------

    async def Watch(self, request: Any, context: Any) -> AsyncIterator[Any]:
        call = flows.watch_call_from_proto(request)
        for number, latent in enumerate(self.latents.values()):
            assert latent.manifest.flow == call.flow
            yield flows.delivery_to_proto(Delivery(delivery_id=f"{number}", latent=latent.info()))

    async def Ack(self, request: Any, context: Any) -> Any:
        return flows.acknowledged_to_proto(len(flows.ack_call_from_proto(request).delivery_ids))

    async def GetLatent(self, request: Any, context: Any) -> Any:
        if self.failures:
            raise self.failures.pop(0)
        return flows.got_latent_to_proto(self._find(flows.get_call_from_proto(request)).info())

    async def ListLatents(self, request: Any, context: Any) -> Any:
        page = LatentPage(latents=tuple(latent.info() for latent in self.latents.values()))
        return flows.latent_page_to_proto(page)

    async def RevokeLatent(self, request: Any, context: Any) -> Any:
        del self.latents[self._find(flows.revoke_call_from_proto(request)).manifest.latent_id]
        return RevokeLatentResponse()


class _Upload:
    """One Publish call: takes in whatever the client sends, acknowledges when it must."""

    def __init__(self, broker: FakeBroker, requests: AsyncIterator[Any]) -> None:
        self._broker = broker
        self._steps: asyncio.Queue[PublishStep | None] = asyncio.Queue()
        self._received_bytes = 0
        self._acknowledged_bytes = 0
        self.receiving = asyncio.create_task(self._receive(requests))

    async def _receive(self, requests: AsyncIterator[Any]) -> None:
        async for request in requests:
            step = publish_step_from_proto(request)
            if isinstance(step, Frame):
                self._note(len(step.payload))
            self._steps.put_nowait(step)
        self._steps.put_nowait(None)

    def _note(self, payload_bytes: int) -> None:
        self._received_bytes += payload_bytes
        self._broker.most_unacknowledged_bytes = max(
            self._broker.most_unacknowledged_bytes, self._received_bytes - self._acknowledged_bytes
        )

    async def events(self) -> AsyncIterator[PublishEvent]:
        opening = await self._steps.get()
        assert isinstance(opening, Open)
        latent = self._broker.open(opening)
        yield self._opened(latent)
        pending_bytes = 0
        while (step := await self._steps.get()) is not None:
            match step:
                case Frame():
                    self._store(latent, step)
                    pending_bytes += len(step.payload)
                    if pending_bytes > self._broker.credit_bytes // 2:
                        await self._linger()
                        self._acknowledged_bytes += pending_bytes
                        pending_bytes = 0
                        yield self._progress(latent)
                case Commit():
                    yield Stored(latent=self._commit(latent, step))
                case Abort():
                    self._broker.aborted.set_result(step.problem)
                    yield GivenUp()

    async def _linger(self) -> None:
        """A client that ignores its credit gets the time to show it; no state is waited for."""
        for _ in range(50):
            await asyncio.sleep(0)

    def _opened(self, latent: Latent) -> Opened:
        credit = self._broker.credit_bytes
        return Opened(acknowledged_frames=len(latent.frames), credit_bytes=credit)

    def _progress(self, latent: Latent) -> Progress:
        credit = self._broker.credit_bytes
        return Progress(acknowledged_frames=len(latent.frames), credit_bytes=credit)

    def _store(self, latent: Latent, frame: Frame) -> None:
        self._broker.frames_received += 1
        if self._broker.failures:
            raise self._broker.failures.pop(0)
        if frame.index > len(latent.frames):
            raise FrameOutOfOrder(index=frame.index, expected=len(latent.frames))
        if frame.index == len(latent.frames):
            latent.frames.append(frame)
        self._broker.first_frame.set()
        self._broker.on_frame_stored(frame.index)

    def _commit(self, latent: Latent, commit: Commit) -> LatentInfo:
        digest = StreamDigest(latent.manifest_bytes)
        for frame in latent.frames:
            digest.add(frame.payload)
        stored = digest.commit()
        if stored != commit:
            raise StreamMismatch(field="commit", expected=commit.sha256, actual=stored.sha256)
        latent.commit = commit
        return latent.info()
