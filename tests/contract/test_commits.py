"""What every LatentStore keeps to when a latent is committed."""

from typing import Any

import pytest

from latentflow.errors import LatentClosed, StreamMismatch
from latentflow.latent import LatentState
from services.broker.record import StoredStream
from services.broker.store import LatentStore
from tests.contract.samples import SIGNATURE, new_commit, new_frame, new_opening, new_ref
from tests.manual_clock import ManualClock

WAIT_MS = 1


async def test_commit_closes_the_latent(latents: LatentStore, clock: ManualClock) -> None:
    ref, frame = new_ref(), new_frame(0)
    await latents.open(ref, new_opening(clock()), now_ms=clock())
    await latents.append(ref, [frame], now_ms=clock())
    commit = new_commit(frame)
    record = await latents.commit(ref, commit, now_ms=clock())
    assert (record.state, record.commit) == (LatentState.COMMITTED, commit)
    assert await latents.find(ref) == record
    with pytest.raises(LatentClosed) as refusal:
        await latents.append(ref, [new_frame(1)], now_ms=clock())
    assert refusal.value.state == "committed"


async def test_repeated_commit_and_frames_of_a_committed_latent_are_accepted(
    latents: LatentStore, clock: ManualClock
) -> None:
    ref, frame, opening = new_ref(), new_frame(0), new_opening(clock())
    await latents.open(ref, opening, now_ms=clock())
    await latents.append(ref, [frame], now_ms=clock())
    committed = await latents.commit(ref, new_commit(frame), now_ms=clock())
    assert await latents.open(ref, opening, now_ms=clock()) == committed
    await latents.append(ref, [frame], now_ms=clock())
    assert await latents.commit(ref, new_commit(frame), now_ms=clock()) == committed


@pytest.mark.parametrize(
    ("commit", "field"),
    [
        (new_commit(new_frame(0), new_frame(1)), "frames"),
        (new_commit(new_frame(0, b"longer")), "payload_bytes"),
    ],
)
async def test_commit_with_other_counts_is_refused_and_the_upload_goes_on(
    latents: LatentStore, clock: ManualClock, commit: object, field: str
) -> None:
    ref, frame = new_ref(), new_frame(0)
    await latents.open(ref, new_opening(clock()), now_ms=clock())
    await latents.append(ref, [frame], now_ms=clock())
    with pytest.raises(StreamMismatch) as refusal:
        await latents.commit(ref, commit, now_ms=clock())  # type: ignore[arg-type]
    assert refusal.value.field == field
    await latents.commit(ref, new_commit(frame), now_ms=clock())


@pytest.mark.parametrize(
    "other", [{"digest": "b"}, {"signature": SIGNATURE}], ids=["digest", "signature"]
)
async def test_second_commit_that_says_something_else_is_refused(
    latents: LatentStore, clock: ManualClock, other: Any
) -> None:
    ref, frame = new_ref(), new_frame(0)
    await latents.open(ref, new_opening(clock()), now_ms=clock())
    await latents.append(ref, [frame], now_ms=clock())
    first = await latents.commit(ref, new_commit(frame, digest="a"), now_ms=clock())
    with pytest.raises(StreamMismatch):
        await latents.commit(ref, new_commit(frame, **other), now_ms=clock())
    assert await latents.find(ref) == first


@pytest.mark.parametrize("comes_whole", [True, False])
async def test_signature_is_kept_for_readers_and_in_the_record(
    latents: LatentStore, clock: ManualClock, comes_whole: bool
) -> None:
    ref, opening, frames = new_ref(), new_opening(clock()), [new_frame(0), new_frame(1)]
    commit = new_commit(*frames, signature=SIGNATURE)
    if comes_whole:
        stream = StoredStream(frames=frames, commit=commit)
        await latents.store(ref, opening, stream, now_ms=clock())
    else:
        await latents.open(ref, opening, now_ms=clock())
        await latents.append(ref, frames, now_ms=clock())
    record = await latents.commit(ref, commit, now_ms=clock())
    assert record.commit == commit
    assert await latents.find(ref) == record
    assert await latents.read(ref, first_frame=0, wait_ms=WAIT_MS) == [*frames, commit]
