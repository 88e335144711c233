"""What a reader has ahead of it is bounded in bytes, and next to nothing is read twice for it."""

import weakref
from collections.abc import Sequence
from typing import cast

import pytest
from opentelemetry.metrics import NoOpMeter

from latentflow.latent import MAX_FRAME_BYTES, Commit, LatentState
from latentflow.relay import Open
from services.broker.metrics import BrokerMetrics
from services.broker.record import Glance, LatentRecord, LatentRef, StoredFrame, StreamEntry
from services.broker.store import READ_ENTRIES, LatentStore
from services.broker.subscribing import Subscribing
from tests.contract.samples import new_commit, new_opening, new_ref
from tests.manual_clock import ManualClock

KIB = 1024
MOST_HELD_BYTES = 300 * KIB
LARGEST = MAX_FRAME_BYTES


class Given(StoredFrame):
    """One that is known to be gone when nobody holds it any more."""


class CountedLatents:
    """A store of one committed latent that makes its frames anew for each read."""

    def __init__(self, frame_bytes: Sequence[int], now_ms: int) -> None:
        self.frames = [
            StoredFrame(index=index, payload_bytes=size, encoded=str(index).encode())
            for index, size in enumerate(frame_bytes)
        ]
        self.record = LatentRecord(
            ref=new_ref(),
            opening=new_opening(now_ms),
            lease_until_ms=now_ms,
            state=LatentState.COMMITTED,
            frames=len(self.frames),
            commit=new_commit(*self.frames),
        )
        self.asked: list[tuple[int, int]] = []
        self._given: list[weakref.ref[Given]] = []

    @property
    def held_bytes(self) -> int:
        given = [reference() for reference in self._given]
        return sum(frame.payload_bytes for frame in given if frame is not None)

    async def look(self, ref: LatentRef, *, first_frame: int, most_entries: int) -> Glance:
        entries = await self.read(
            ref, first_frame=first_frame, wait_ms=0, most_entries=most_entries
        )
        return Glance(self.record, entries)

    async def read(
        self, ref: LatentRef, *, first_frame: int, wait_ms: int, most_entries: int
    ) -> Sequence[StreamEntry]:
        self.asked.append((first_frame, most_entries))
        stored = [*self.frames, self.record.commit]
        return [self._give(entry) for entry in stored[first_frame : first_frame + most_entries]]

    def _give(self, entry: StoredFrame | Commit | None) -> StreamEntry:
        if not isinstance(entry, StoredFrame):
            return cast(Commit, entry)
        given = Given(index=entry.index, payload_bytes=entry.payload_bytes, encoded=entry.encoded)
        self._given.append(weakref.ref(given))
        return given


@pytest.mark.parametrize(
    ("frame_bytes", "asked"),
    [
        pytest.param([64 * KIB] * 8, [(0, 4), (4, 4), (8, 4)], id="as sharers make them"),
        pytest.param([80 * KIB] * 8, [(0, 4), (3, 3), (6, 3)], id="a little larger"),
        pytest.param([LARGEST] * 4, [(0, 4), (1, 1), (2, 1), (3, 1), (4, 1)], id="the largest"),
        pytest.param(
            [KIB, KIB, LARGEST, LARGEST, KIB, KIB],
            [(0, 4), (3, 3), (6, 3)],
            id="of all sizes",
        ),
    ],
)
async def test_reader_holds_little_and_reads_next_to_nothing_twice(
    frame_bytes: Sequence[int], asked: Sequence[tuple[int, int]]
) -> None:
    clock = ManualClock()
    latents = CountedLatents(frame_bytes, clock())
    given: list[tuple[int, bytes]] = []
    async for step in subscribing(latents, clock).subscribe(latents.record.ref, 0):
        assert latents.held_bytes <= MOST_HELD_BYTES
        if isinstance(step, StoredFrame):
            given.append((step.index, step.encoded))
    assert step == latents.record.commit
    assert given == [(frame.index, frame.encoded) for frame in latents.frames]
    assert latents.asked == asked


async def test_reader_that_takes_only_the_manifest_holds_no_more() -> None:
    clock = ManualClock()
    latents = CountedLatents([LARGEST] * READ_ENTRIES, clock())
    steps = subscribing(latents, clock).subscribe(latents.record.ref, 0)
    assert isinstance(await anext(steps), Open)
    assert latents.held_bytes == LARGEST
    await steps.aclose()


def subscribing(latents: CountedLatents, clock: ManualClock) -> Subscribing:
    return Subscribing(
        latents=cast(LatentStore, latents),
        clock_ms=clock,
        longest_wait_ms=1000,
        metrics=BrokerMetrics(NoOpMeter("test")),
    )
