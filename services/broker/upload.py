"""One publisher's call: takes its steps in order, and answers each as soon as it is durable.

Keeps the digest of all frames that are durable, so that a commit is verified before it is stored.
Which step is admitted decides the store, atomically with storing it.
"""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from itertools import groupby

from latentflow.errors import (
    Conflict,
    Corrupt,
    Exhausted,
    LatentIncomplete,
    MessageMalformed,
    NotUsable,
    UnknownLatent,
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
    Whole,
)
from latentflow.wire.relay import frame_from_bytes
from services.broker.admission import require_same_commit, takes_steps
from services.broker.contents import content_of
from services.broker.description import describe
from services.broker.finishing import to_its_end
from services.broker.incoming import require_in_order, stream_to_store, to_store
from services.broker.quotas import Account, Quotas
from services.broker.record import ClockMs, LatentRecord, Opening, StoredFrame
from services.broker.store import FlowStore, LatentStore


class Upload:
    """Of the latent that `account` is charged for; `open` or `store` comes first."""

    def __init__(
        self,
        opening: Opening,
        account: Account,
        *,
        latents: LatentStore,
        flows: FlowStore,
        quotas: Quotas,
        clock_ms: ClockMs,
        credit_bytes: int,
    ) -> None:
        self._ref = account.ref
        self._opening = opening
        self._account = account
        self._latents = latents
        self._flows = flows
        self._quotas = quotas
        self._clock_ms = clock_ms
        self._credit_bytes = credit_bytes
        self._digest = StreamDigest(opening.manifest)
        self._stored_bytes = len(opening.manifest)
        self._frames = 0

    async def open(self) -> Opened:
        """Makes or resumes the latent. Raises LatentIncomplete when the store has lost a frame."""
        now_ms = self._clock_ms()
        async with self._put_right_if_refused(now_ms):
            record = await self._latents.open(self._ref, self._opening, now_ms=now_ms)
        if record.state is LatentState.COMMITTED:
            await self._quotas.settle(record, now_ms=now_ms)
        await self._resume(record)
        return Opened(acknowledged_frames=self._frames, credit_bytes=self._credit_bytes)

    async def store(self, whole: Whole) -> Stored:
        """All of it in one step, unless some of it is there. Raises as `open` and `take`."""
        return await to_its_end(self._store(whole))

    async def _store(self, whole: Whole) -> Stored:
        now_ms = self._clock_ms()
        async with self._put_right_if_refused(now_ms):
            stream = stream_to_store(self._opening, whole)
            whole_bytes = self._stored_bytes + stream.commit.payload_bytes
            await self._quotas.grow(self._account, whole_bytes, now_ms=now_ms)
            record = await self._latents.store(self._ref, self._opening, stream, now_ms=now_ms)
        if record is not None:
            return await self._complete(record, now_ms)
        await self.open()
        if missing := whole.frames[self._frames :]:
            await self._append(missing)
        return await self._seal(whole.commit)

    async def take(self, steps: Sequence[PublishStep]) -> AsyncGenerator[PublishEvent, None]:
        """Frames that come together become durable together, and get one answer.

        Raises FrameCorrupt, FrameTooLarge, StreamMismatch, MessageMalformed, or as the store.
        """
        for are_frames, run in groupby(steps, lambda step: isinstance(step, Frame)):
            if are_frames:
                yield await self._append([step for step in run if isinstance(step, Frame)])
            else:
                for step in run:
                    yield await self._end(step)

    async def _resume(self, record: LatentRecord) -> None:
        """Digests the frames that are durable from an earlier attempt."""
        while self._frames < record.frames:
            entries = await self._latents.read(self._ref, first_frame=self._frames, wait_ms=0)
            frames = [entry for entry in entries if isinstance(entry, StoredFrame)]
            if not frames:
                raise LatentIncomplete(latent_id=self._ref.latent_id, frames=self._frames)
            for frame in frames:
                self._add(frame_from_bytes(frame.encoded))

    async def _append(self, frames: Sequence[Frame]) -> Progress:
        # Also when another call went ahead: the digest covers what this one has seen.
        require_in_order(frames, due=self._frames)
        stored = [to_store(frame) for frame in frames]
        now_ms = self._clock_ms()
        new = (frame for frame in stored if frame.index >= self._frames)
        more_bytes = sum(frame.payload_bytes for frame in new)
        await self._quotas.grow(self._account, self._stored_bytes + more_bytes, now_ms=now_ms)
        await self._latents.append(self._ref, stored, now_ms=now_ms)
        for frame in frames:
            if frame.index == self._frames:
                self._add(frame)
        return Progress(acknowledged_frames=self._frames, credit_bytes=self._credit_bytes)

    async def _end(self, step: PublishStep) -> Stored | GivenUp:
        match step:
            case Commit():
                return await self._commit(step)
            case Abort():
                return await self._abort(step)
            case _:
                raise MessageMalformed(field="step", problem="open must come only once")

    async def _commit(self, commit: Commit) -> Stored:
        """To its end: what is committed is announced and settled, also when its publisher left."""
        return await to_its_end(self._seal(commit))

    async def _seal(self, commit: Commit) -> Stored:
        require_same_commit(self._digest.commit(), commit)
        now_ms = self._clock_ms()
        async with self._put_right_if_refused(now_ms):
            record = await self._latents.commit(self._ref, commit, now_ms=now_ms)
        return await self._complete(record, now_ms)

    async def _complete(self, record: LatentRecord, now_ms: int) -> Stored:
        """Announced only now: what is announced is complete.

        A publisher whose broker died before has no answer yet, and its next attempt does it.
        """
        expires_ms = record.opening.expires_ms
        await asyncio.gather(
            self._quotas.settle(record, now_ms=now_ms),
            self._flows.announce(record.flow, self._ref.latent_id),
            self._latents.remember(content_of(record), self._ref.latent_id, until_ms=expires_ms),
        )
        return Stored(latent=describe(record, now_ms))

    async def _abort(self, abort: Abort) -> GivenUp:
        now_ms = self._clock_ms()
        await self._latents.abort(self._ref, abort.problem, now_ms=now_ms)
        await self._quotas.release(self._ref, now_ms=now_ms)
        return GivenUp()

    @asynccontextmanager
    async def _put_right_if_refused(self, now_ms: int) -> AsyncGenerator[None, None]:
        """Leaves the latent charged for what there is of it, where this call ends."""
        try:
            yield
        except (Conflict, Corrupt, Exhausted, NotUsable):
            await self._put_right(now_ms)
            raise

    async def _put_right(self, now_ms: int) -> None:
        try:
            found = await self._latents.find(self._ref)
        except UnknownLatent:
            await self._quotas.release(self._ref, now_ms=now_ms)
            return
        if found.state is LatentState.COMMITTED:
            await self._quotas.settle(found, now_ms=now_ms)
        elif not takes_steps(found, now_ms):
            await self._quotas.release(self._ref, now_ms=now_ms)

    def _add(self, frame: Frame) -> None:
        self._digest.add(frame.payload)
        self._stored_bytes += len(frame.payload)
        self._frames += 1
