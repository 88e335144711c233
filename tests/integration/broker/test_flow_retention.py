"""What a running broker keeps of a flow, by its settings and by the age of announcements."""

import time
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from latentflow.latent import FlowName, LatentId, Tenant
from latentflow.relay import AckCall, WatchCall
from services.broker.keys import announced_key
from services.broker.record import DeliveryId, FlowRef, GroupMember
from services.broker.redis_store.connection import connect
from services.broker.redis_store.flows import RedisFlows
from services.broker.retention import Retention, Retentions
from services.broker.settings import Settings
from services.broker.store_url import parse_store_url
from tests.contract.samples import new_ref
from tests.integration.broker.running import TIMEOUT, Broker, running_broker
from tests.integration.broker.watches import latents_of, publish_some, take, watching
from tests.manual_clock import ManualClock
from tests.store_servers import StoreServer

KEPT = 3
HOUR_MS = 3_600_000
OLDEST = DeliveryId("0-0")


@pytest.fixture
async def broker(settings: Settings, clock: ManualClock, flow: FlowName) -> AsyncIterator[Broker]:
    settings = replace(settings, flow_retention=f"{flow}={KEPT}/86400")
    async with running_broker(settings, clock) as running:
        yield running


@pytest.fixture
async def flows(valkey: StoreServer) -> AsyncIterator[RedisFlows]:
    """Of flows that keep an announcement for an hour."""
    connections = connect(parse_store_url(valkey.url), followers=8)
    yield RedisFlows(connections, Retentions(usual=Retention(age_ms=HOUR_MS)))
    await connections.close()


def announce_long_ago(valkey: StoreServer, flow: FlowRef, hours: float) -> LatentId:
    latent_id = new_ref().latent_id
    at_ms = time.time_ns() // 1_000_000 - round(hours * HOUR_MS)
    with valkey.client() as raw:
        raw.xadd(announced_key(flow), {"latent": latent_id}, id=f"{at_ms}-0")
    return latent_id


async def kept_after_another(flows: RedisFlows, flow: FlowRef) -> list[LatentId]:
    """What is there of old announcements once there is a new one."""
    await flows.announce(flow, new_ref().latent_id)
    followed = await flows.follow(flow, after=OLDEST, wait_ms=1)
    return [announcement.latent_id for announcement in followed[:-1]]


async def test_late_group_begins_with_the_last_that_its_flow_keeps(
    broker: Broker, clock: ManualClock, flow: FlowName
) -> None:
    published = await publish_some(broker, clock, flow, KEPT + 2)
    async with watching(broker, WatchCall(flow=flow, group="late", consumer="a")) as deliveries:
        assert latents_of(await take(deliveries, KEPT)) == published[-KEPT:]


async def test_group_that_stopped_reading_for_a_while_misses_nothing(
    broker: Broker, clock: ManualClock, flow: FlowName
) -> None:
    call = WatchCall(flow=flow, group="g", consumer="a")
    async with watching(broker, call) as deliveries:
        published = await publish_some(broker, clock, flow, 1)
        (delivery,) = await take(deliveries, 1)
        ack = AckCall(flow=flow, group="g", delivery_ids=(delivery.delivery_id,))
        await broker.client.ack(ack, timeout=TIMEOUT)
    published += await publish_some(broker, clock, flow, 2 * KEPT)
    async with watching(broker, call) as deliveries:
        assert latents_of(await take(deliveries, 2 * KEPT)) == published[1:]


async def test_old_announcements_go_unless_a_group_still_needs_them(
    valkey: StoreServer, flows: RedisFlows, flow: FlowName
) -> None:
    alone = FlowRef(tenant=Tenant("alone"), flow=flow)
    shared = FlowRef(tenant=Tenant("shared"), flow=flow)
    await flows.join(GroupMember(flow=shared, group="g", consumer="a"))
    for here, remain in ((alone, 1), (shared, 2)):
        old = [announce_long_ago(valkey, here, hours) for hours in (2.5, 1.5, 0.5)]
        assert await kept_after_another(flows, here) == old[-remain:]


async def test_old_announcement_goes_with_its_acknowledgement(
    valkey: StoreServer, flows: RedisFlows, flow: FlowName
) -> None:
    shared = FlowRef(tenant=Tenant("acknowledged"), flow=flow)
    reader = GroupMember(flow=shared, group="g", consumer="a")
    await flows.join(reader)
    old = [announce_long_ago(valkey, shared, hours) for hours in (1.8, 1.7, 1.6)]
    first, second, third = await flows.receive(reader, wait_ms=1)
    await flows.acknowledge(shared, "g", [first.delivery_id, third.delivery_id])
    assert await kept_after_another(flows, shared) == old[1:]
    (newest,) = await flows.receive(reader, wait_ms=1)
    await flows.acknowledge(shared, "g", [second.delivery_id])
    assert await kept_after_another(flows, shared) == [newest.latent_id]
