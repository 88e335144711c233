"""What every FlowStore keeps to."""

import asyncio
from collections.abc import Sequence

import pytest

from latentflow.errors import UnknownFlow
from latentflow.latent import LatentId
from services.broker.dead_letters import NO_LIMIT
from services.broker.record import Announcement, DeliveryId, FlowRef, GroupMember
from services.broker.store import FlowStore
from tests.contract.samples import FLOW, OTHER_TENANT, TENANT, new_ref

HERE = FlowRef(tenant=TENANT, flow=FLOW)
OLDEST = DeliveryId("0-0")
LONG_MS = 5_000
HOUR_MS = 3_600_000


def member(consumer: str, *, group: str = "readers", flow: FlowRef = HERE) -> GroupMember:
    return GroupMember(flow=flow, group=group, consumer=consumer)


async def announce_some(flows: FlowStore, count: int) -> list[LatentId]:
    latent_ids = [new_ref().latent_id for _ in range(count)]
    for latent_id in latent_ids:
        await flows.announce(HERE, latent_id)
    return latent_ids


def latents_of(announcements: Sequence[Announcement]) -> list[LatentId]:
    return [announcement.latent_id for announcement in announcements]


def ids_of(announcements: Sequence[Announcement]) -> list[DeliveryId]:
    return [announcement.delivery_id for announcement in announcements]


async def test_watcher_sees_what_is_announced_after_it_began(flows: FlowStore) -> None:
    await announce_some(flows, 2)
    newest = await flows.newest(HERE)
    later = await announce_some(flows, 2)
    assert latents_of(await flows.follow(HERE, after=newest, wait_ms=1)) == later


async def test_watcher_of_a_new_flow_sees_its_first_announcement(flows: FlowStore) -> None:
    newest = await flows.newest(HERE)
    assert not await flows.follow(HERE, after=newest, wait_ms=1)
    (first,) = await announce_some(flows, 1)
    assert latents_of(await flows.follow(HERE, after=newest, wait_ms=1)) == [first]


async def test_every_watcher_sees_every_announcement(flows: FlowStore) -> None:
    announced = await announce_some(flows, 3)
    for _ in range(2):
        assert latents_of(await flows.follow(HERE, after=OLDEST, wait_ms=1)) == announced


async def test_waiting_watcher_is_woken(flows: FlowStore) -> None:
    newest = await flows.newest(HERE)
    waiting = asyncio.create_task(follow(flows, newest))
    await asyncio.sleep(0)
    announced = await announce_some(flows, 1)
    assert latents_of(await waiting) == announced


async def test_flows_of_two_tenants_are_apart(flows: FlowStore) -> None:
    await flows.announce(FlowRef(tenant=OTHER_TENANT, flow=FLOW), new_ref().latent_id)
    assert not await flows.follow(HERE, after=OLDEST, wait_ms=1)


async def test_new_group_begins_with_the_oldest_announcement(flows: FlowStore) -> None:
    announced = await announce_some(flows, 3)
    await flows.join(member("a"))
    assert latents_of(await flows.receive(member("a"), wait_ms=1)) == announced


async def test_each_announcement_goes_to_one_member_of_a_group(flows: FlowStore) -> None:
    await flows.join(member("a"))
    await flows.join(member("b"))
    announced = await announce_some(flows, 1)
    assert latents_of(await flows.receive(member("a"), wait_ms=1)) == announced
    assert not await flows.receive(member("b"), wait_ms=1)


async def test_two_groups_each_get_every_announcement(flows: FlowStore) -> None:
    announced = await announce_some(flows, 2)
    for group in ("readers", "auditors"):
        await flows.join(member("a", group=group))
        assert latents_of(await flows.receive(member("a", group=group), wait_ms=1)) == announced


async def test_waiting_member_is_woken(flows: FlowStore) -> None:
    await flows.join(member("a"))
    waiting = asyncio.create_task(receive(flows, member("a")))
    await asyncio.sleep(0)
    announced = await announce_some(flows, 1)
    assert latents_of(await waiting) == announced


async def test_unacknowledged_announcements_are_pending_for_their_member(
    flows: FlowStore,
) -> None:
    await flows.join(member("a"))
    announced = await announce_some(flows, 3)
    given = await flows.receive(member("a"), wait_ms=1)
    assert await flows.acknowledge(HERE, "readers", ids_of(given)[:1]) == 1
    assert latents_of(await pending_of(flows, member("a"))) == announced[1:]
    assert latents_of(await pending_of(flows, member("a"), after=ids_of(given)[1])) == announced[2:]
    assert not await pending_of(flows, member("b"))


async def test_idle_announcement_is_claimed_by_another_member(flows: FlowStore) -> None:
    await flows.join(member("a"))
    announced = await announce_some(flows, 2)
    given = await flows.receive(member("a"), wait_ms=1)
    await flows.acknowledge(HERE, "readers", ids_of(given)[:1])
    assert not await claimed_by(flows, member("b"), idle_ms=HOUR_MS)
    assert latents_of(await claimed_by(flows, member("b"))) == announced[1:]
    assert not await pending_of(flows, member("a"))
    assert latents_of(await pending_of(flows, member("b"))) == announced[1:]


async def test_acknowledging_counts_each_delivery_once(flows: FlowStore) -> None:
    await flows.join(member("a"))
    await announce_some(flows, 2)
    ids = ids_of(await flows.receive(member("a"), wait_ms=1))
    assert await flows.acknowledge(HERE, "readers", ids) == 2
    assert await flows.acknowledge(HERE, "readers", ids) == 0
    assert not await claimed_by(flows, member("a"))


async def test_acknowledging_for_a_group_that_never_joined_counts_nothing(
    flows: FlowStore,
) -> None:
    await announce_some(flows, 1)
    assert await flows.acknowledge(HERE, "nobody", [DeliveryId("1-0")]) == 0


async def test_acknowledging_on_a_flow_that_never_was_is_an_error(flows: FlowStore) -> None:
    with pytest.raises(UnknownFlow):
        await flows.acknowledge(HERE, "readers", [DeliveryId("1-0")])


async def test_joining_again_changes_nothing(flows: FlowStore) -> None:
    await flows.join(member("a"))
    await announce_some(flows, 1)
    await flows.receive(member("a"), wait_ms=1)
    await flows.join(member("a"))
    assert not await flows.receive(member("a"), wait_ms=1)


async def test_announcements_beyond_one_read_come_with_the_next(flows: FlowStore) -> None:
    announced = await announce_some(flows, 70)
    await flows.join(member("a"))
    received: list[LatentId] = []
    while some := await flows.receive(member("a"), wait_ms=1):
        received += latents_of(some)
    assert received == announced


async def pending_of(
    flows: FlowStore, reader: GroupMember, *, after: DeliveryId = OLDEST
) -> Sequence[Announcement]:
    return await flows.pending(reader, after=after, most_deliveries=NO_LIMIT)


async def claimed_by(
    flows: FlowStore, reader: GroupMember, *, idle_ms: int = 0
) -> Sequence[Announcement]:
    return (await flows.claim(reader, idle_ms=idle_ms, most_deliveries=NO_LIMIT)).given


async def follow(flows: FlowStore, after: DeliveryId) -> Sequence[Announcement]:
    return await flows.follow(HERE, after=after, wait_ms=LONG_MS)


async def receive(flows: FlowStore, reader: GroupMember) -> Sequence[Announcement]:
    return await flows.receive(reader, wait_ms=LONG_MS)
