"""One publisher's call: takes its steps in order, and answers each as soon as it is durable.

Keeps the digest of all frames that are durable, so that a commit is verified before it is stored.
Which step is admitted decides the store, atomically with storing it.
"""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from dataclasses import replace
from itertools import groupby

from latentflow.errors import (
    Conflict,
    Corrupt,
    FrameOutOfOrder,
    LatentIncomplete,
    MessageMalformed,
    NotUsable,
)
from latentflow.latent import Commit, Frame, LatentState, StreamDigest
from latentflow.relay import (
    Abort,
    GivenUp,
    Opened,
    Progress,
    PublishEvent,
    PublishStep,
    Stored,
)
from latentflow.wire.frames import check_frame
from latentflow.wire.relay import frame_from_bytes, frame_to_bytes
from services.broker.admission import require_same_commit
from services.broker.contents import content_of
from services.broker.description import describe
from services.broker.quotas import Account, Quotas
from services.broker.record import ClockMs, LatentRecord, StoredFrame
from services.broker.store import FlowStore, LatentStore


class Upload:
    """Goes on with the latent of `record`; `resume` comes first."""

    def __init__(
        self,
        record: LatentRecord,
        account: Account,
        *,
        latents: LatentStore,
        flows: FlowStore,
        quotas: Quotas,
        clock_ms: ClockMs,
        credit_bytes: int,
    ) -> None:
        self._record = record
        self._account = account
        self._quotas = quotas
        self._stored_bytes = len(record.opening.manifest)
        self._latents = latents
        self._flows = flows
        self._clock_ms = clock_ms
        self._credit_bytes = credit_bytes
        self._digest = StreamDigest(record.opening.manifest)
        self._frames = 0

    async def resume(self) -> Opened:
        """Digests the frames that are durable from an earlier attempt.

        Raises LatentIncomplete when the store has lost one of them.
        """
        while self._frames < self._record.frames:
            entries = await self._latents.read(
                self._record.ref, first_frame=self._frames, wait_ms=0
            )
            frames = [entry for entry in entries if isinstance(entry, StoredFrame)]
            if not frames:
                raise LatentIncomplete(latent_id=self._record.ref.latent_id, frames=self._frames)
            for frame in frames:
                self._add(frame_from_bytes(frame.encoded))
        return Opened(acknowledged_frames=self._frames, credit_bytes=self._credit_bytes)

    async def take(self, steps: Sequence[PublishStep]) -> AsyncGenerator[PublishEvent, None]:
        """Frames that come together become durable together, and get one answer.

        Raises FrameCorrupt, FrameTooLarge, StreamMismatch, MessageMalformed, or as the store.
        """
        for are_frames, run in groupby(steps, lambda step: isinstance(step, Frame)):
            if are_frames:
                yield await self._append([step for step in run if isinstance(step, Frame)])
            else:
                for step in run:
                    yield await self._finish(step)

    async def _append(self, frames: Sequence[Frame]) -> Progress:
        self._require_in_order(frames)
        stored = [_to_store(frame) for frame in frames]
        now_ms = self._clock_ms()
        more_bytes = sum(frame.payload_bytes for frame in stored)
        await self._quotas.grow(self._account, self._stored_bytes + more_bytes, now_ms=now_ms)
        await self._latents.append(self._record.ref, stored, now_ms=now_ms)
        for frame in frames:
            if frame.index == self._frames:
                self._add(frame)
        return Progress(acknowledged_frames=self._frames, credit_bytes=self._credit_bytes)

    def _require_in_order(self, frames: Sequence[Frame]) -> None:
        """Also when another call went ahead: the digest covers what this one has seen."""
        due = self._frames
        for frame in frames:
            check_frame(frame)
            if frame.index > due:
                raise FrameOutOfOrder(index=frame.index, expected=due)
            due = max(due, frame.index + 1)

    async def _finish(self, step: PublishStep) -> Stored | GivenUp:
        match step:
            case Commit():
                return await self._commit(step)
            case Abort():
                return await self._abort(step)
            case _:
                raise MessageMalformed(field="step", problem="open must come only once")

    async def _commit(self, commit: Commit) -> Stored:
        require_same_commit(self._digest.commit(), commit)
        now_ms = self._clock_ms()
        # Before: a revocation between the two releases what was settled, not the other way round.
        sealed = replace(self._record, payload_bytes=commit.payload_bytes)
        await self._quotas.settle(sealed, now_ms=now_ms)
        try:
            record = await self._latents.commit(self._record.ref, commit, now_ms=now_ms)
        except (Conflict, Corrupt, NotUsable):
            found = await self._latents.find(self._record.ref)
            if found.state is LatentState.COMMITTED:
                await self._quotas.settle(found, now_ms=now_ms)
            else:
                await self._quotas.release(found.ref, now_ms=now_ms)
            raise
        # After, not before: what is announced is complete. A publisher whose broker died between
        # the two has no answer yet, and its next attempt announces.
        expires_ms = record.opening.expires_ms
        await asyncio.gather(
            self._flows.announce(record.flow, record.ref.latent_id),
            self._latents.remember(content_of(record), record.ref.latent_id, until_ms=expires_ms),
        )
        return Stored(latent=describe(record, now_ms))

    async def _abort(self, abort: Abort) -> GivenUp:
        now_ms = self._clock_ms()
        await self._latents.abort(self._record.ref, abort.problem, now_ms=now_ms)
        await self._quotas.release(self._record.ref, now_ms=now_ms)
        return GivenUp()

    def _add(self, frame: Frame) -> None:
        self._digest.add(frame.payload)
        self._stored_bytes += len(frame.payload)
        self._frames += 1


def _to_store(frame: Frame) -> StoredFrame:
    return StoredFrame(
        index=frame.index, payload_bytes=len(frame.payload), encoded=frame_to_bytes(frame)
    )
