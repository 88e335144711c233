"""Watch and Ack over real gRPC and a real Valkey."""

import asyncio

import pytest

from latentflow.errors import InvalidInput, UnknownFlow
from latentflow.latent import FlowName
from latentflow.relay import AckCall, GroupInfo, WatchCall
from latentflow.rpc.auth_interceptor import DEFAULT_TENANT
from services.broker.record import FlowRef, GroupMember
from tests.integration.broker.running import TIMEOUT, Broker
from tests.integration.broker.watches import latents_of, publish_some, take, watching
from tests.made_latents import make_latent
from tests.manual_clock import ManualClock


async def test_watcher_without_a_group_sees_every_latent_from_then_on(
    broker: Broker, clock: ManualClock, flow: FlowName
) -> None:
    await publish_some(broker, clock, flow, 1)
    call = WatchCall(flow=flow)
    async with watching(broker, call) as first, watching(broker, call) as second:
        published = await publish_some(broker, clock, flow, 2)
        for deliveries in (first, second):
            seen = await take(deliveries, 2)
            assert latents_of(seen) == published
            assert {delivery.delivery_id for delivery in seen} == {""}


async def test_delivery_describes_the_committed_latent(
    broker: Broker, clock: ManualClock, flow: FlowName
) -> None:
    async with watching(broker, WatchCall(flow=flow)) as deliveries:
        made = make_latent(clock(), flow=flow)
        await broker.publish(made)
        latent = (await anext(deliveries)).latent
    assert (latent.manifest, latent.commit) == (made.manifest, made.commit)


async def test_group_shares_a_flow_and_forgets_what_was_acknowledged(
    broker: Broker, clock: ManualClock, flow: FlowName
) -> None:
    published = await publish_some(broker, clock, flow, 2)
    member = WatchCall(flow=flow, group="readers", consumer="a")
    async with watching(broker, member) as deliveries:
        given = await take(deliveries, 2)
        assert latents_of(given) == published
        ids = tuple(delivery.delivery_id for delivery in given)
        ack = AckCall(flow=flow, group="readers", delivery_ids=ids)
        assert await broker.client.ack(ack, timeout=TIMEOUT) == 2
        assert await broker.client.ack(ack, timeout=TIMEOUT) == 0
        later = await publish_some(broker, clock, flow, 1)
        assert latents_of(await take(deliveries, 1)) == later


async def test_member_that_comes_back_gets_first_what_it_did_not_acknowledge(
    broker: Broker, clock: ManualClock, flow: FlowName
) -> None:
    published = await publish_some(broker, clock, flow, 2)
    member = WatchCall(flow=flow, group="readers", consumer="a")
    async with watching(broker, member) as deliveries:
        first = await take(deliveries, 2)
    async with watching(broker, member) as deliveries:
        again = await take(deliveries, 2)
    assert again == first
    assert latents_of(again) == published


async def test_delivery_nobody_acknowledged_goes_to_another_member(
    broker: Broker, clock: ManualClock, flow: FlowName
) -> None:
    published = await publish_some(broker, clock, flow, 1)
    async with watching(broker, WatchCall(flow=flow, group="g", consumer="dies")) as deliveries:
        assert latents_of(await take(deliveries, 1)) == published
    async with watching(broker, WatchCall(flow=flow, group="g", consumer="lives")) as deliveries:
        assert latents_of(await take(deliveries, 1)) == published


async def test_latent_revoked_before_its_delivery_is_passed_over(
    broker: Broker, clock: ManualClock, flow: FlowName
) -> None:
    revoked, kept = await publish_some(broker, clock, flow, 2)
    await broker.admin.revoke(revoked, timeout=TIMEOUT)
    async with watching(broker, WatchCall(flow=flow, group="g", consumer="a")) as deliveries:
        (delivery,) = await take(deliveries, 1)
    assert latents_of([delivery]) == [kept]


async def test_announcement_of_a_latent_comes_after_its_commit(
    broker: Broker, clock: ManualClock, flow: FlowName
) -> None:
    """Who reads a latent as soon as it hears of it finds it whole."""
    async with watching(broker, WatchCall(flow=flow)) as deliveries:
        made = make_latent(clock(), flow=flow)
        publishing = asyncio.create_task(broker.publish(made))
        (delivery,) = await take(deliveries, 1)
        info = await broker.client.get_latent(made.latent_id, timeout=TIMEOUT)
        assert info == delivery.latent
        await publishing


async def test_listed_flow_tells_how_far_its_groups_are(
    broker: Broker, clock: ManualClock, flow: FlowName
) -> None:
    await publish_some(broker, clock, flow, 3)
    behind = GroupMember(
        flow=FlowRef(tenant=DEFAULT_TENANT, flow=flow), group="behind", consumer="b"
    )
    await broker.stores.flows.join(behind)
    async with watching(broker, WatchCall(flow=flow, group="ahead", consumer="a")) as deliveries:
        given = await take(deliveries, 3)
    ack = AckCall(flow=flow, group="ahead", delivery_ids=(given[0].delivery_id,))
    await broker.client.ack(ack, timeout=TIMEOUT)
    listed = {info.name: info for info in await broker.admin.list_flows(timeout=TIMEOUT)}
    assert listed[flow].announced == 3
    assert set(listed[flow].groups) == {
        GroupInfo(name="ahead", lag=0, pending=2, consumers=1),
        GroupInfo(name="behind", lag=3, pending=0, consumers=1),
    }


async def test_acknowledging_on_an_unknown_flow_is_an_error(broker: Broker, flow: FlowName) -> None:
    with pytest.raises(UnknownFlow):
        await broker.client.ack(
            AckCall(flow=flow, group="g", delivery_ids=("1-0",)), timeout=TIMEOUT
        )


@pytest.mark.parametrize("delivery_id", ["x", "1", "1-", "99999999999999999999-0"])
async def test_delivery_id_that_is_none_is_refused(
    broker: Broker, flow: FlowName, delivery_id: str
) -> None:
    call = AckCall(flow=flow, group="g", delivery_ids=(delivery_id,))
    with pytest.raises(InvalidInput) as refusal:
        await broker.client.ack(call, timeout=TIMEOUT)
    assert refusal.value.field == "delivery_ids"
