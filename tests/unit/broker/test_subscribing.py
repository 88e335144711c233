"""A reader that is at it keeps the frames, for as long as it is and no longer."""

import asyncio
from collections.abc import Sequence
from contextlib import aclosing
from typing import cast

import pytest
from opentelemetry.metrics import NoOpMeter

from latentflow.latent import LatentState
from services.broker import subscribing
from services.broker.metrics import BrokerMetrics
from services.broker.record import Glance, LatentRecord, LatentRef, StreamEntry
from services.broker.store import LatentStore
from services.broker.subscribing import Subscribing
from tests.contract.samples import new_commit, new_frame, new_opening, new_ref
from tests.manual_clock import ManualClock

READING_MS = 40
TIMEOUT = 10.0


class SlowLatents:
    """A store whose second frame is a long time coming."""

    def __init__(self, record: LatentRecord) -> None:
        self.record = record
        self.held: asyncio.Queue[int] = asyncio.Queue()

    async def look(self, ref: LatentRef, *, first_frame: int, most_entries: int) -> Glance:
        entries = await self.read(
            ref, first_frame=first_frame, wait_ms=0, most_entries=most_entries
        )
        return Glance(self.record, entries)

    async def find(self, ref: LatentRef) -> LatentRecord:
        return self.record

    async def read(
        self, ref: LatentRef, *, first_frame: int, wait_ms: int, most_entries: int
    ) -> Sequence[StreamEntry]:
        if first_frame:
            await asyncio.sleep(TIMEOUT)
        return [new_frame(0)]

    async def hold(self, ref: LatentRef, *, until_ms: int) -> None:
        self.held.put_nowait(until_ms)


async def test_frames_are_held_while_they_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subscribing, "READING_MS", READING_MS)
    clock = ManualClock()
    record = LatentRecord(
        ref=new_ref(),
        opening=new_opening(clock()),
        lease_until_ms=clock(),
        state=LatentState.COMMITTED,
        frames=2,
        commit=new_commit(new_frame(0), new_frame(1)),
    )
    latents = SlowLatents(record)
    clock.now_ms = record.opening.expires_ms - 1
    reading = Subscribing(
        latents=cast(LatentStore, latents),
        clock_ms=clock,
        longest_wait_ms=1000,
        metrics=BrokerMetrics(NoOpMeter("test")),
    )
    async with aclosing(reading.subscribe(record.ref, 0)) as steps, asyncio.timeout(TIMEOUT):
        await anext(steps)
        await anext(steps)
        for _ in range(3):
            assert await latents.held.get() == clock() + READING_MS
    assert latents.held.empty()
    await asyncio.sleep(2 * READING_MS / 1000)
    assert latents.held.empty()
