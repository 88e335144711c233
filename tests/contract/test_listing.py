"""What every LatentStore keeps to when a tenant's latents are listed."""

import pytest

from latentflow.errors import InvalidInput, LatentExists
from latentflow.latent import FlowName, LatentId
from services.broker.record import LatentRef, Listing
from services.broker.store import LatentStore
from tests.contract.samples import (
    FLOW,
    LIFETIME_SECONDS,
    OTHER_TENANT,
    TENANT,
    new_commit,
    new_frame,
    new_opening,
    new_ref,
)
from tests.manual_clock import ManualClock

OTHER_FLOW = FlowName("other")


async def open_some(
    latents: LatentStore, clock: ManualClock, count: int, *, flow: FlowName = FLOW
) -> list[LatentRef]:
    """Oldest first."""
    refs = [new_ref() for _ in range(count)]
    for ref in refs:
        clock.advance(seconds=0.001)
        await latents.open(ref, new_opening(clock(), flow=flow), now_ms=clock())
    return refs


async def all_pages(
    latents: LatentStore, clock: ManualClock, *, flow: FlowName | None = None, page_size: int = 2
) -> list[list[LatentId]]:
    pages, after = [], ""
    while True:
        listing = Listing(tenant=TENANT, flow=flow, page_size=page_size, after=after)
        page = await latents.page(listing, now_ms=clock())
        pages.append([record.ref.latent_id for record in page.records])
        after = page.next_token
        if not after:
            return pages


async def test_no_latents_are_one_empty_page(latents: LatentStore, clock: ManualClock) -> None:
    assert await all_pages(latents, clock) == [[]]


async def test_pages_are_newest_first_and_hold_each_latent_once(
    latents: LatentStore, clock: ManualClock
) -> None:
    refs = await open_some(latents, clock, 5)
    newest_first = [ref.latent_id for ref in reversed(refs)]
    pages = await all_pages(latents, clock)
    assert pages == [newest_first[:2], newest_first[2:4], newest_first[4:]]


async def test_full_last_page_has_no_token(latents: LatentStore, clock: ManualClock) -> None:
    await open_some(latents, clock, 4)
    assert [len(page) for page in await all_pages(latents, clock)] == [2, 2]


async def test_latents_of_one_millisecond_are_all_listed(
    latents: LatentStore, clock: ManualClock
) -> None:
    refs = [new_ref() for _ in range(5)]
    for ref in refs:
        await latents.open(ref, new_opening(clock()), now_ms=clock())
    found = [latent_id for page in await all_pages(latents, clock) for latent_id in page]
    assert sorted(found) == sorted(ref.latent_id for ref in refs)


async def test_reopened_latent_is_listed_once(latents: LatentStore, clock: ManualClock) -> None:
    ref, opening = new_ref(), new_opening(clock())
    await latents.open(ref, opening, now_ms=clock())
    clock.advance(seconds=1)
    await latents.open(ref, opening, now_ms=clock())
    assert await all_pages(latents, clock) == [[ref.latent_id]]


async def test_opening_that_was_refused_is_not_listed(
    latents: LatentStore, clock: ManualClock
) -> None:
    ref = new_ref()
    await latents.open(ref, new_opening(clock()), now_ms=clock())
    clock.advance(seconds=1)
    other = new_opening(clock(), manifest=b"other", flow=OTHER_FLOW)
    with pytest.raises(LatentExists):
        await latents.open(ref, other, now_ms=clock())
    assert await all_pages(latents, clock) == [[ref.latent_id]]
    assert await all_pages(latents, clock, flow=OTHER_FLOW) == [[]]


async def test_flow_lists_only_its_own(latents: LatentStore, clock: ManualClock) -> None:
    (one,) = await open_some(latents, clock, 1)
    (other,) = await open_some(latents, clock, 1, flow=OTHER_FLOW)
    assert await all_pages(latents, clock, flow=OTHER_FLOW) == [[other.latent_id]]
    assert await all_pages(latents, clock) == [[other.latent_id, one.latent_id]]


async def test_other_tenants_latents_are_not_listed(
    latents: LatentStore, clock: ManualClock
) -> None:
    await latents.open(new_ref(OTHER_TENANT), new_opening(clock()), now_ms=clock())
    assert await all_pages(latents, clock) == [[]]
    assert await all_pages(latents, clock, flow=FLOW) == [[]]


async def test_latent_opened_meanwhile_does_not_shift_the_next_page(
    latents: LatentStore, clock: ManualClock
) -> None:
    refs = await open_some(latents, clock, 4)
    listing = Listing(tenant=TENANT, flow=None, page_size=2)
    first = await latents.page(listing, now_ms=clock())
    await open_some(latents, clock, 1)
    behind = Listing(tenant=TENANT, flow=None, page_size=2, after=first.next_token)
    second = await latents.page(behind, now_ms=clock())
    assert [record.ref for record in second.records] == [refs[1], refs[0]]


async def test_expired_latents_are_left_out(latents: LatentStore, clock: ManualClock) -> None:
    await open_some(latents, clock, 3)
    clock.advance(seconds=LIFETIME_SECONDS)
    (alive,) = await open_some(latents, clock, 1)
    listed = [latent_id for page in await all_pages(latents, clock) for latent_id in page]
    assert listed == [alive.latent_id]


async def test_revoked_latent_stays_listed(latents: LatentStore, clock: ManualClock) -> None:
    (ref,) = await open_some(latents, clock, 1)
    await latents.revoke(ref)
    assert await all_pages(latents, clock) == [[ref.latent_id]]


@pytest.mark.parametrize("token", ["x", "0000000000001-short", "+", "(0"])
async def test_token_that_was_never_given_is_refused(
    latents: LatentStore, clock: ManualClock, token: str
) -> None:
    listing = Listing(tenant=TENANT, flow=None, page_size=2, after=token)
    with pytest.raises(InvalidInput):
        await latents.page(listing, now_ms=clock())


async def test_renewed_latent_stays_listed_while_others_come_and_go(
    latents: LatentStore, clock: ManualClock
) -> None:
    renewed, expired = await open_some(latents, clock, 2)
    frame = new_frame(0)
    await latents.append(renewed, [frame], now_ms=clock())
    await latents.commit(renewed, new_commit(frame), now_ms=clock())
    later_ms = clock() + 3 * LIFETIME_SECONDS * 1000
    await latents.renew(renewed, expires_ms=later_ms, now_ms=clock())
    clock.advance(seconds=LIFETIME_SECONDS + 1)
    [newest] = await open_some(latents, clock, 1)
    listed = [latent_id for page in await all_pages(latents, clock) for latent_id in page]
    assert listed == [newest.latent_id, renewed.latent_id]
    assert expired.latent_id not in listed
