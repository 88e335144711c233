"""What every FlowStore keeps of a flow, and for whom."""

import asyncio

from latentflow.latent import LatentId
from services.broker.dead_letters import NO_LIMIT
from services.broker.record import Announcement, FlowRef, GroupMember
from services.broker.store import FlowStore
from tests.contract.samples import BRIEF, FEW, KEPT, TENANT, new_ref
from tests.contract.test_flows import OLDEST, ids_of, latents_of, member
from tests.manual_clock import ManualClock

HERE = FlowRef(tenant=TENANT, flow=FEW)
READER = member("a", flow=HERE)
SLOW = member("a", group="slow", flow=HERE)


async def announce_some(flows: FlowStore, count: int, *, flow: FlowRef = HERE) -> list[LatentId]:
    latent_ids = [new_ref().latent_id for _ in range(count)]
    for latent_id in latent_ids:
        await flows.announce(flow, latent_id)
    return latent_ids


async def kept(flows: FlowStore) -> list[LatentId]:
    return latents_of(await flows.follow(HERE, after=OLDEST, wait_ms=1))


async def receive_all(flows: FlowStore, reader: GroupMember) -> list[Announcement]:
    received: list[Announcement] = []
    while some := await flows.receive(reader, wait_ms=1):
        received += some
    return received


async def acknowledge(flows: FlowStore, reader: GroupMember, given: list[Announcement]) -> None:
    await flows.acknowledge(reader.flow, reader.group, ids_of(given))


async def test_flow_nobody_shares_keeps_its_last_announcements(flows: FlowStore) -> None:
    announced = await announce_some(flows, 3 * KEPT)
    assert await kept(flows) == announced[-KEPT:]


async def test_flow_of_its_own_retention_changes_no_other(flows: FlowStore) -> None:
    other = FlowRef(tenant=TENANT, flow=member("a").flow.flow)
    announced = await announce_some(flows, KEPT + 5, flow=other)
    assert latents_of(await flows.follow(other, after=OLDEST, wait_ms=1)) == announced


async def test_announcement_stays_until_its_group_was_given_it(flows: FlowStore) -> None:
    await flows.join(READER)
    announced = await announce_some(flows, 2 * KEPT)
    assert latents_of(await receive_all(flows, READER)) == announced


async def test_announcement_stays_until_its_group_acknowledged_it(flows: FlowStore) -> None:
    await flows.join(READER)
    announced = await announce_some(flows, KEPT)
    first, *others = await receive_all(flows, READER)
    await acknowledge(flows, READER, others)
    announced += await announce_some(flows, 5)
    assert await kept(flows) == announced
    claimed = await flows.claim(READER, idle_ms=0, most_deliveries=NO_LIMIT)
    assert claimed.given == [first]


async def test_acknowledged_announcements_go_when_the_next_is_made(flows: FlowStore) -> None:
    await flows.join(READER)
    announced = await announce_some(flows, 2 * KEPT)
    await acknowledge(flows, READER, await receive_all(flows, READER))
    announced += await announce_some(flows, 1)
    assert await kept(flows) == announced[-KEPT:]


async def test_slowest_group_decides(flows: FlowStore) -> None:
    for reader in (READER, SLOW):
        await flows.join(reader)
    announced = await announce_some(flows, KEPT)
    await acknowledge(flows, READER, await receive_all(flows, READER))
    first, second = (await receive_all(flows, SLOW))[:2]
    await acknowledge(flows, SLOW, [first])
    announced += await announce_some(flows, 5)
    assert (await kept(flows))[0] == second.latent_id == announced[1]


async def test_group_that_is_behind_twice_the_bound_misses_the_oldest(flows: FlowStore) -> None:
    await flows.join(READER)
    announced = await announce_some(flows, 2 * KEPT + 5)
    assert latents_of(await receive_all(flows, READER)) == announced[5:]


async def test_pending_announcement_behind_twice_the_bound_is_given_no_more(
    flows: FlowStore,
) -> None:
    await flows.join(READER)
    await announce_some(flows, 2)
    await receive_all(flows, READER)
    later = await announce_some(flows, 2 * KEPT - 1)
    again = await flows.pending(READER, after=OLDEST, most_deliveries=NO_LIMIT)
    assert len(again) == 1
    later += await announce_some(flows, 1)
    claimed = await flows.claim(READER, idle_ms=0, most_deliveries=NO_LIMIT)
    assert (claimed.given, claimed.exhausted) == ([], [])
    assert latents_of(await receive_all(flows, READER)) == later


async def test_announcement_older_than_its_flow_keeps_goes_with_a_later_one(
    flows: FlowStore, clock: ManualClock
) -> None:
    here = FlowRef(tenant=TENANT, flow=BRIEF)
    (first,) = await announce_some(flows, 1, flow=here)
    oldest = first
    async with asyncio.timeout(10):
        while oldest == first:
            clock.advance(seconds=0.001)
            await announce_some(flows, 1, flow=here)
            oldest, *_ = latents_of(await flows.follow(here, after=OLDEST, wait_ms=1))
