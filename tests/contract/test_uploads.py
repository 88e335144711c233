"""What every LatentStore keeps to while a latent is being written."""

import pytest

from latentflow.errors import (
    FrameOutOfOrder,
    LatentClosed,
    LatentExists,
    LatentExpired,
    QuotaExceeded,
    UnknownLatent,
)
from latentflow.latent import LatentState
from services.broker.store import LatentStore
from tests.contract.samples import (
    LEASE_SECONDS,
    LIFETIME_SECONDS,
    LIMITS,
    OTHER_TENANT,
    new_commit,
    new_frame,
    new_opening,
    new_ref,
    of_tenant,
)
from tests.contract.uploads import read_whole
from tests.manual_clock import ManualClock

WAIT_MS = 1


async def test_opened_latent_is_found_with_its_exact_manifest(
    latents: LatentStore, clock: ManualClock
) -> None:
    ref, opening = new_ref(), new_opening(clock(), manifest=b"\x00\xff exact")
    opened = await latents.open(ref, opening, now_ms=clock())
    assert opened.opening == opening
    assert opened.state is LatentState.OPEN
    assert await latents.find(ref) == opened


async def test_look_is_the_record_and_what_is_there_of_its_stream(
    latents: LatentStore, clock: ManualClock
) -> None:
    ref, frames = new_ref(), [new_frame(0), new_frame(1)]
    with pytest.raises(UnknownLatent):
        await latents.look(ref, first_frame=0)
    await latents.open(ref, new_opening(clock()), now_ms=clock())
    await latents.append(ref, frames, now_ms=clock())
    record, entries = await latents.look(ref, first_frame=1)
    assert (record, list(entries)) == (await latents.find(ref), frames[1:])
    commit = new_commit(*frames)
    await latents.commit(ref, commit, now_ms=clock())
    record, entries = await latents.look(ref, first_frame=0)
    assert (record.commit, list(entries)) == (commit, [*frames, commit])


async def test_latent_never_opened_is_unknown(latents: LatentStore, clock: ManualClock) -> None:
    ref, frame = new_ref(), new_frame(0)
    with pytest.raises(UnknownLatent):
        await latents.find(ref)
    with pytest.raises(UnknownLatent):
        await latents.append(ref, [frame], now_ms=clock())
    with pytest.raises(UnknownLatent):
        await latents.commit(ref, new_commit(frame), now_ms=clock())
    with pytest.raises(UnknownLatent):
        await latents.abort(ref, "problem", now_ms=clock())
    with pytest.raises(UnknownLatent):
        await latents.revoke(ref)


async def test_same_manifest_opens_again_where_the_upload_was(
    latents: LatentStore, clock: ManualClock
) -> None:
    ref, opening = new_ref(), new_opening(clock())
    await latents.open(ref, opening, now_ms=clock())
    await latents.append(ref, [new_frame(0)], now_ms=clock())
    resumed = await latents.open(ref, opening, now_ms=clock())
    assert (resumed.frames, resumed.payload_bytes) == (1, new_frame(0).payload_bytes)


async def test_other_manifest_under_the_same_id_is_refused(
    latents: LatentStore, clock: ManualClock
) -> None:
    ref = new_ref()
    first = await latents.open(ref, new_opening(clock()), now_ms=clock())
    with pytest.raises(LatentExists):
        await latents.open(ref, new_opening(clock(), manifest=b"other"), now_ms=clock())
    assert await latents.find(ref) == first


async def test_same_id_of_two_tenants_is_two_latents(
    latents: LatentStore, clock: ManualClock
) -> None:
    ref = new_ref()
    other = of_tenant(OTHER_TENANT, ref.latent_id)
    await latents.open(ref, new_opening(clock()), now_ms=clock())
    with pytest.raises(UnknownLatent):
        await latents.find(other)
    await latents.open(other, new_opening(clock(), manifest=b"other"), now_ms=clock())
    await latents.append(other, [new_frame(0)], now_ms=clock())
    assert (await latents.find(ref)).frames == 0


async def test_frames_are_read_back_as_they_were_stored(
    latents: LatentStore, clock: ManualClock
) -> None:
    ref = new_ref()
    frames = [new_frame(index, bytes([index, 0, 255])) for index in range(3)]
    await latents.open(ref, new_opening(clock()), now_ms=clock())
    for frame in frames:
        await latents.append(ref, [frame], now_ms=clock())
    assert list(await latents.read(ref, first_frame=0, wait_ms=WAIT_MS)) == frames


async def test_repeated_frame_is_accepted_and_not_stored_twice(
    latents: LatentStore, clock: ManualClock
) -> None:
    ref = new_ref()
    await latents.open(ref, new_opening(clock()), now_ms=clock())
    for frame in (new_frame(0), new_frame(1), new_frame(0), new_frame(1)):
        await latents.append(ref, [frame], now_ms=clock())
    assert (await latents.find(ref)).frames == 2
    assert len(await latents.read(ref, first_frame=0, wait_ms=WAIT_MS)) == 2


async def test_repeated_frame_with_other_content_is_refused(
    latents: LatentStore, clock: ManualClock
) -> None:
    ref = new_ref()
    await latents.open(ref, new_opening(clock()), now_ms=clock())
    await latents.append(ref, [new_frame(0, b"first")], now_ms=clock())
    with pytest.raises(LatentExists):
        await latents.append(ref, [new_frame(0, b"other")], now_ms=clock())
    assert list(await latents.read(ref, first_frame=0, wait_ms=WAIT_MS)) == [new_frame(0, b"first")]


async def test_gap_is_refused_naming_the_index_due(
    latents: LatentStore, clock: ManualClock
) -> None:
    ref = new_ref()
    await latents.open(ref, new_opening(clock()), now_ms=clock())
    await latents.append(ref, [new_frame(0)], now_ms=clock())
    with pytest.raises(FrameOutOfOrder) as refusal:
        await latents.append(ref, [new_frame(2)], now_ms=clock())
    assert (refusal.value.index, refusal.value.expected) == (2, 1)


async def test_frame_beyond_the_latents_limit_is_refused_and_the_rest_kept(
    latents: LatentStore, clock: ManualClock
) -> None:
    ref, half = new_ref(), bytes(LIMITS.latent_bytes // 2)
    await latents.open(ref, new_opening(clock()), now_ms=clock())
    await latents.append(ref, [new_frame(0, half)], now_ms=clock())
    await latents.append(ref, [new_frame(1, half)], now_ms=clock())
    with pytest.raises(QuotaExceeded) as refusal:
        await latents.append(ref, [new_frame(2, b"x")], now_ms=clock())
    assert refusal.value.limit == LIMITS.latent_bytes
    assert (await latents.find(ref)).frames == 2


async def test_lease_is_renewed_by_every_step(latents: LatentStore, clock: ManualClock) -> None:
    ref, opening = new_ref(), new_opening(clock())
    await latents.open(ref, opening, now_ms=clock())
    clock.advance(seconds=LEASE_SECONDS)
    await latents.append(ref, [new_frame(0)], now_ms=clock())
    clock.advance(seconds=LEASE_SECONDS)
    await latents.open(ref, opening, now_ms=clock())
    clock.advance(seconds=LEASE_SECONDS)
    await latents.commit(ref, new_commit(new_frame(0)), now_ms=clock())


async def test_upload_that_outlasted_its_lease_takes_nothing_more(
    latents: LatentStore, clock: ManualClock
) -> None:
    ref, opening = new_ref(), new_opening(clock())
    await latents.open(ref, opening, now_ms=clock())
    await latents.append(ref, [new_frame(0)], now_ms=clock())
    clock.advance(seconds=LEASE_SECONDS + 0.001)
    with pytest.raises(LatentClosed) as refusal:
        await latents.append(ref, [new_frame(1)], now_ms=clock())
    assert refusal.value.state == "aborted"
    with pytest.raises(LatentClosed):
        await latents.commit(ref, new_commit(new_frame(0)), now_ms=clock())
    with pytest.raises(LatentClosed):
        await latents.open(ref, opening, now_ms=clock())


async def test_upload_that_outlived_the_latent_takes_nothing_more(
    latents: LatentStore, clock: ManualClock
) -> None:
    ref, opening = new_ref(), new_opening(clock())
    clock.advance(seconds=LIFETIME_SECONDS - 1)
    await latents.open(ref, opening, now_ms=clock())
    clock.advance(seconds=1)
    with pytest.raises(LatentExpired) as refusal:
        await latents.append(ref, [new_frame(0)], now_ms=clock())
    assert refusal.value.expired_ms == opening.expires_ms
    with pytest.raises(LatentExpired):
        await latents.open(ref, opening, now_ms=clock())
    with pytest.raises(LatentExpired):
        await latents.commit(ref, new_commit(new_frame(0)), now_ms=clock())


async def test_frames_that_come_together_are_stored_in_order(
    latents: LatentStore, clock: ManualClock
) -> None:
    ref, frames = new_ref(), [new_frame(index, bytes([index])) for index in range(5)]
    await latents.open(ref, new_opening(clock()), now_ms=clock())
    await latents.append(ref, frames[:2], now_ms=clock())
    await latents.append(ref, frames[1:], now_ms=clock())
    assert await read_whole(latents, ref) == frames


async def test_frames_in_front_of_a_refused_one_are_kept(
    latents: LatentStore, clock: ManualClock
) -> None:
    ref = new_ref()
    await latents.open(ref, new_opening(clock()), now_ms=clock())
    with pytest.raises(FrameOutOfOrder) as refusal:
        await latents.append(ref, [new_frame(0), new_frame(2), new_frame(1)], now_ms=clock())
    assert (refusal.value.index, refusal.value.expected) == (2, 1)
    assert (await latents.find(ref)).frames == 1


async def test_payload_bytes_are_counted_up_to_the_limit_within_one_append(
    latents: LatentStore, clock: ManualClock
) -> None:
    ref, half = new_ref(), bytes(LIMITS.latent_bytes // 2)
    await latents.open(ref, new_opening(clock()), now_ms=clock())
    frames = [new_frame(index, half) for index in range(3)]
    with pytest.raises(QuotaExceeded):
        await latents.append(ref, frames, now_ms=clock())
    assert (await latents.find(ref)).payload_bytes == LIMITS.latent_bytes
