"""The fake broker's side of one Publish call."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

from latentflow.errors import FrameOutOfOrder, LatentFlowError, StreamMismatch
from latentflow.latent import Commit, Frame, LatentId, LatentInfo, LatentState, StreamDigest
from latentflow.relay import (
    Abort,
    GivenUp,
    Open,
    Opened,
    Progress,
    PublishEvent,
    PublishStep,
    Receipt,
    Stored,
    Whole,
)
from latentflow.wire.manifests import manifest_from_bytes
from latentflow.wire.publish import publish_step_from_proto

Hook = Callable[[int], None]


def nothing(index: int) -> None:
    pass


class Latent:
    """What the fake holds of one latent."""

    def __init__(self, manifest_bytes: bytes) -> None:
        self.manifest_bytes = manifest_bytes
        self.manifest = manifest_from_bytes(manifest_bytes)
        self.frames: list[Frame] = []
        self.commit: Commit | None = None
        self.expires_ms = self.manifest.expires_ms
        self.receipts: list[Receipt] = []

    def info(self) -> LatentInfo:
        return LatentInfo(
            manifest=self.manifest,
            state=LatentState.OPEN if self.commit is None else LatentState.COMMITTED,
            frames=len(self.frames),
            payload_bytes=sum(len(frame.payload) for frame in self.frames),
            commit=self.commit,
            expires_ms=self.expires_ms,
        )


class Latents(dict[LatentId, Latent]):
    """By id; opening one twice gives the same."""

    def open(self, manifest_bytes: bytes) -> Latent:
        latent = Latent(manifest_bytes)
        return self.setdefault(latent.manifest.latent_id, latent)


class Ledger:
    """What a fake broker counts and is told to do, over all its uploads."""

    def __init__(self, *, credit_bytes: int) -> None:
        self.credit_bytes = credit_bytes
        self.most_unacknowledged_bytes = 0
        self.frames_received = 0
        self.opened = 0
        self.aborted: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self.first_frame = asyncio.Event()
        self.on_frame_stored: Hook = nothing
        self.failures: list[LatentFlowError] = []


class Upload:
    """One Publish call: takes in whatever the client sends, acknowledges when it must."""

    def __init__(self, ledger: Ledger, latents: Latents, requests: AsyncIterator[Any]) -> None:
        self._ledger = ledger
        self._latents = latents
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
        self._ledger.most_unacknowledged_bytes = max(
            self._ledger.most_unacknowledged_bytes, self._received_bytes - self._acknowledged_bytes
        )

    async def events(self) -> AsyncIterator[PublishEvent]:
        opening = await self._steps.get()
        assert isinstance(opening, Open | Whole)
        latent = self._latents.open(opening.manifest_bytes)
        self._ledger.opened += 1
        if isinstance(opening, Whole):
            for frame in opening.frames:
                self._store(latent, frame)
            yield Stored(latent=self._commit(latent, opening.commit))
            return
        yield self._opened(latent)
        pending_bytes = 0
        while (step := await self._steps.get()) is not None:
            match step:
                case Frame():
                    self._store(latent, step)
                    pending_bytes += len(step.payload)
                    if pending_bytes > self._ledger.credit_bytes // 2:
                        await self._linger()
                        self._acknowledged_bytes += pending_bytes
                        pending_bytes = 0
                        yield self._progress(latent)
                case Commit():
                    yield Stored(latent=self._commit(latent, step))
                case Abort():
                    self._ledger.aborted.set_result(step.problem)
                    yield GivenUp()

    async def _linger(self) -> None:
        """A client that ignores its credit gets the time to show it; no state is waited for."""
        for _ in range(50):
            await asyncio.sleep(0)

    def _opened(self, latent: Latent) -> Opened:
        credit = self._ledger.credit_bytes
        return Opened(acknowledged_frames=len(latent.frames), credit_bytes=credit)

    def _progress(self, latent: Latent) -> Progress:
        credit = self._ledger.credit_bytes
        return Progress(acknowledged_frames=len(latent.frames), credit_bytes=credit)

    def _store(self, latent: Latent, frame: Frame) -> None:
        self._ledger.frames_received += 1
        if self._ledger.failures:
            raise self._ledger.failures.pop(0)
        if frame.index > len(latent.frames):
            raise FrameOutOfOrder(index=frame.index, expected=len(latent.frames))
        if frame.index == len(latent.frames):
            latent.frames.append(frame)
        self._ledger.first_frame.set()
        self._ledger.on_frame_stored(frame.index)

    def _commit(self, latent: Latent, commit: Commit) -> LatentInfo:
        digest = StreamDigest(latent.manifest_bytes)
        for frame in latent.frames:
            digest.add(frame.payload)
        stored = digest.commit()
        if stored != commit:
            raise StreamMismatch(field="commit", expected=commit.sha256, actual=stored.sha256)
        latent.commit = commit
        return latent.info()
