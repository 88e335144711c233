"""What every LatentStore keeps to when a latent ends without a commit, or is taken back."""

import asyncio

import pytest

from latentflow.errors import LatentClosed, LatentExpired
from latentflow.latent import LatentState
from services.broker.record import LatentRef
from services.broker.store import LatentStore
from tests.contract.samples import LEASE_SECONDS, LIFETIME_SECONDS, new_commit, new_frame, new_ref
from tests.contract.uploads import ENDINGS, committed, end, read_whole, uploading
from tests.manual_clock import ManualClock

LONG_MS = 5_000


async def test_abort_keeps_what_the_publisher_said_and_frees_the_frames(
    latents: LatentStore, clock: ManualClock
) -> None:
    ref = (await uploading(latents, clock)).ref
    await latents.abort(ref, "SHARER_FAILED", now_ms=clock())
    record = await latents.find(ref)
    assert (record.state, record.problem) == (LatentState.ABORTED, "SHARER_FAILED")
    assert not await latents.read(ref, first_frame=0, wait_ms=1)


async def test_abort_without_words_is_told_from_abandonment(
    latents: LatentStore, clock: ManualClock
) -> None:
    ref = (await uploading(latents, clock)).ref
    await latents.abort(ref, "", now_ms=clock())
    assert (await latents.find(ref)).problem == ""


async def test_repeated_abort_changes_nothing(latents: LatentStore, clock: ManualClock) -> None:
    ref = (await uploading(latents, clock)).ref
    await latents.abort(ref, "first", now_ms=clock())
    await latents.abort(ref, "second", now_ms=clock())
    assert (await latents.find(ref)).problem == "first"


async def test_aborted_latent_takes_nothing_more(latents: LatentStore, clock: ManualClock) -> None:
    record = await uploading(latents, clock)
    await latents.abort(record.ref, "problem", now_ms=clock())
    with pytest.raises(LatentClosed):
        await latents.append(record.ref, [new_frame(2)], now_ms=clock())
    with pytest.raises(LatentClosed):
        await latents.open(record.ref, record.opening, now_ms=clock())


async def test_committed_latent_is_not_aborted(latents: LatentStore, clock: ManualClock) -> None:
    ref = await committed(latents, clock)
    with pytest.raises(LatentClosed):
        await latents.abort(ref, "too late", now_ms=clock())
    assert (await latents.find(ref)).state is LatentState.COMMITTED


async def test_expired_upload_may_still_be_aborted(
    latents: LatentStore, clock: ManualClock
) -> None:
    record = await uploading(latents, clock)
    clock.advance(seconds=LIFETIME_SECONDS)
    await latents.abort(record.ref, "problem", now_ms=clock())
    with pytest.raises(LatentExpired):
        await latents.append(record.ref, [new_frame(2)], now_ms=clock())


async def test_abandoned_upload_is_closed_for_everybody(
    latents: LatentStore, clock: ManualClock
) -> None:
    record = await uploading(latents, clock, frames=2)
    await latents.abandon(record)
    after = await latents.find(record.ref)
    assert (after.state, after.problem, after.frames) == (LatentState.ABORTED, None, 2)
    with pytest.raises(LatentClosed):
        await latents.append(record.ref, [new_frame(2)], now_ms=clock())


async def test_upload_that_went_on_since_it_was_looked_at_is_not_abandoned(
    latents: LatentStore, clock: ManualClock
) -> None:
    record = await uploading(latents, clock, frames=2)
    clock.advance(seconds=LEASE_SECONDS)
    await latents.append(record.ref, [new_frame(2)], now_ms=clock())
    await latents.abandon(record)
    assert (await latents.find(record.ref)).state is LatentState.OPEN


async def test_latent_committed_since_it_was_looked_at_is_not_abandoned(
    latents: LatentStore, clock: ManualClock
) -> None:
    record = await uploading(latents, clock)
    await latents.commit(record.ref, new_commit(new_frame(0)), now_ms=clock())
    await latents.abandon(record)
    assert (await latents.find(record.ref)).state is LatentState.COMMITTED


async def test_revoked_latent_loses_its_frames_and_takes_nothing(
    latents: LatentStore, clock: ManualClock
) -> None:
    ref = await committed(latents, clock)
    await latents.revoke(ref)
    assert (await latents.find(ref)).state is LatentState.REVOKED
    assert not await latents.read(ref, first_frame=0, wait_ms=1)
    with pytest.raises(LatentClosed) as refusal:
        await latents.commit(ref, new_commit(new_frame(0)), now_ms=clock())
    assert refusal.value.state == "revoked"


async def test_revoking_again_or_in_any_state_is_no_error(
    latents: LatentStore, clock: ManualClock
) -> None:
    ref = (await uploading(latents, clock)).ref
    await latents.abort(ref, "problem", now_ms=clock())
    await latents.revoke(ref)
    await latents.revoke(ref)
    assert (await latents.find(ref)).state is LatentState.REVOKED


async def test_waiting_reader_gets_the_next_frame(latents: LatentStore, clock: ManualClock) -> None:
    ref = (await uploading(latents, clock, frames=2)).ref
    reading = asyncio.create_task(read_on(latents, ref, first_frame=2))
    await asyncio.sleep(0)
    await latents.append(ref, [new_frame(2)], now_ms=clock())
    assert await reading == [new_frame(2)]


async def test_waiting_reader_gets_the_commit(latents: LatentStore, clock: ManualClock) -> None:
    ref = (await uploading(latents, clock, frames=2)).ref
    commit = new_commit(new_frame(0), new_frame(1))
    reading = asyncio.create_task(read_on(latents, ref, first_frame=2))
    await asyncio.sleep(0)
    await latents.commit(ref, commit, now_ms=clock())
    assert await reading == [commit]


@pytest.mark.parametrize("ending", ENDINGS)
async def test_waiting_reader_is_woken_by_every_ending(
    latents: LatentStore, clock: ManualClock, ending: str
) -> None:
    record = await uploading(latents, clock, frames=2)
    reading = asyncio.create_task(read_on(latents, record.ref, first_frame=2))
    await asyncio.sleep(0)
    await end(latents, record, ending, now_ms=clock())
    async with asyncio.timeout(10):
        assert await reading == []


async def test_read_from_behind_the_last_frame_gives_the_commit(
    latents: LatentStore, clock: ManualClock
) -> None:
    ref = await committed(latents, clock)
    for first_frame in (1, 7):
        entries = await latents.read(ref, first_frame=first_frame, wait_ms=1)
        assert list(entries) == [new_commit(new_frame(0))]


async def test_reader_gets_no_more_entries_than_it_asks_for(
    latents: LatentStore, clock: ManualClock
) -> None:
    ref, frames = (await uploading(latents, clock, frames=2)).ref, [new_frame(0), new_frame(1)]
    stream = [*frames, new_commit(*frames)]
    await latents.commit(ref, new_commit(*frames), now_ms=clock())
    for first_frame, most in ((0, 1), (0, 2), (1, 2), (2, 1)):
        entries = await latents.read(ref, first_frame=first_frame, wait_ms=1, most_entries=most)
        glance = await latents.look(ref, first_frame=first_frame, most_entries=most)
        assert list(entries) == list(glance.entries) == stream[first_frame:][:most]


async def test_reader_of_an_unknown_latent_gets_nothing(latents: LatentStore) -> None:
    assert not await latents.read(new_ref(), first_frame=0, wait_ms=1)


async def test_many_readers_follow_one_upload(latents: LatentStore, clock: ManualClock) -> None:
    """More of them than there are connections to wait on."""
    ref = (await uploading(latents, clock, frames=0)).ref
    readers = [asyncio.create_task(follow(latents, ref)) for _ in range(20)]
    frames = [new_frame(index) for index in range(12)]
    for frame in frames:
        await latents.append(ref, [frame], now_ms=clock())
        await asyncio.sleep(0)
    await latents.commit(ref, new_commit(*frames), now_ms=clock())
    for followed in await asyncio.gather(*readers):
        assert followed == [*frames, new_commit(*frames)]


async def test_of_two_publishers_at_once_one_stores_each_frame(
    latents: LatentStore, clock: ManualClock
) -> None:
    ref = (await uploading(latents, clock, frames=0)).ref
    for index in range(5):
        frame = new_frame(index)
        await asyncio.gather(*(latents.append(ref, [frame], now_ms=clock()) for _ in range(4)))
    assert (await latents.find(ref)).frames == 5
    assert len(await read_whole(latents, ref)) == 5


async def read_on(latents: LatentStore, ref: LatentRef, *, first_frame: int) -> list[object]:
    return list(await latents.read(ref, first_frame=first_frame, wait_ms=LONG_MS))


async def follow(latents: LatentStore, ref: LatentRef) -> list[object]:
    found: list[object] = []
    while not found or found[-1] != new_commit(*(new_frame(index) for index in range(12))):
        found += await latents.read(ref, first_frame=len(found), wait_ms=100)
    return found
