"""What every LatentStore keeps to when a latent comes whole, to be stored in one step."""

import pytest

from latentflow.errors import UnknownLatent
from latentflow.latent import LatentState
from services.broker.record import StoredFrame, StoredStream
from services.broker.store import LatentStore
from tests.contract.samples import LIMITS, new_commit, new_frame, new_opening, new_ref
from tests.manual_clock import ManualClock

WAIT_MS = 1


async def test_latent_that_comes_whole_is_committed_at_once(
    latents: LatentStore, clock: ManualClock
) -> None:
    ref, opening, frames = new_ref(), new_opening(clock()), [new_frame(0), new_frame(1)]
    commit = new_commit(*frames)
    stream = StoredStream(frames=frames, commit=commit)
    record = await latents.store(ref, opening, stream, now_ms=clock())
    assert record is not None
    assert (record.state, record.commit) == (LatentState.COMMITTED, commit)
    assert (record.frames, record.payload_bytes) == (commit.frames, commit.payload_bytes)
    assert await latents.find(ref) == record
    assert await latents.read(ref, first_frame=0, wait_ms=WAIT_MS) == [*frames, commit]
    assert await latents.store(ref, opening, stream, now_ms=clock()) is None
    assert await latents.open(ref, opening, now_ms=clock()) == record
    assert await latents.commit(ref, commit, now_ms=clock()) == record


async def test_latent_that_is_there_takes_no_other_stream(
    latents: LatentStore, clock: ManualClock
) -> None:
    ref, opening, frame = new_ref(), new_opening(clock()), new_frame(0)
    await latents.open(ref, opening, now_ms=clock())
    await latents.append(ref, [frame], now_ms=clock())
    other = new_frame(0, b"other")
    stream = StoredStream(frames=[other], commit=new_commit(other))
    assert await latents.store(ref, opening, stream, now_ms=clock()) is None
    assert (await latents.find(ref)).state is LatentState.OPEN
    assert await latents.read(ref, first_frame=0, wait_ms=WAIT_MS) == [frame]


async def test_whole_latent_over_the_limit_is_not_stored(
    latents: LatentStore, clock: ManualClock
) -> None:
    ref, opening = new_ref(), new_opening(clock())
    large = StoredFrame(index=0, payload_bytes=LIMITS.latent_bytes + 1, encoded=b"large")
    stream = StoredStream(frames=[large], commit=new_commit(large))
    assert await latents.store(ref, opening, stream, now_ms=clock()) is None
    with pytest.raises(UnknownLatent):
        await latents.find(ref)
