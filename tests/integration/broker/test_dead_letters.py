"""Deliveries that nobody acknowledges, over real gRPC and a real Valkey."""

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from latentflow.latent import FlowName, LatentId
from latentflow.relay import AckCall, DeadLetter, WatchCall
from latentflow.rpc.auth_interceptor import DEFAULT_TENANT
from services.broker.record import FlowRef
from services.broker.settings import Settings
from tests.integration.broker.running import TIMEOUT, Broker, running_broker
from tests.integration.broker.watches import latents_of, publish_some, take, watching
from tests.manual_clock import ManualClock

DELIVERIES = 2


@pytest.fixture
async def broker(settings: Settings, clock: ManualClock) -> AsyncIterator[Broker]:
    settings = replace(settings, max_deliveries=DELIVERIES)
    async with running_broker(settings, clock) as running:
        yield running


def dead(flow: FlowName) -> FlowName:
    return FlowName(f"{flow}.dead")


async def die(broker: Broker, flow: FlowName, consumer: str) -> list[LatentId]:
    """A member that takes one delivery and is never heard of again."""
    call = WatchCall(flow=flow, group="g", consumer=consumer)
    async with watching(broker, call) as deliveries:
        return latents_of(await take(deliveries, 1))


async def test_latent_that_every_consumer_died_of_is_seen_on_the_dead_letter_flow(
    broker: Broker, clock: ManualClock, flow: FlowName
) -> None:
    async with watching(broker, WatchCall(flow=dead(flow))) as letters:
        poison = await publish_some(broker, clock, flow, 1)
        assert await die(broker, flow, "first") == poison
        assert await die(broker, flow, "second") == poison
        async with watching(broker, WatchCall(flow=flow, group="g", consumer="third")) as left:
            (delivery,) = await take(letters, 1)
            sound = await publish_some(broker, clock, flow, 1)
            assert latents_of(await take(left, 1)) == sound
    assert latents_of([delivery]) == poison
    letter = delivery.dead_letter
    assert letter is not None
    assert (letter.flow, letter.group, letter.deliveries) == (flow, "g", DELIVERIES)
    assert letter.reason.startswith(f"given {DELIVERIES} times, last to second at ")


async def test_moved_latent_is_no_longer_pending(
    broker: Broker, clock: ManualClock, flow: FlowName
) -> None:
    await publish_some(broker, clock, flow, 1)
    async with watching(broker, WatchCall(flow=flow, group="g", consumer="a")) as deliveries:
        (given,) = await take(deliveries, 1)
    await die(broker, flow, "b")
    async with (
        watching(broker, WatchCall(flow=dead(flow), group="undertakers", consumer="u")) as letters,
        watching(broker, WatchCall(flow=flow, group="g", consumer="c")) as deliveries,
    ):
        await take(letters, 1)
        # What comes next tells that the one before was moved to its end.
        await publish_some(broker, clock, flow, 1)
        await take(deliveries, 1)
    ack = AckCall(flow=flow, group="g", delivery_ids=(given.delivery_id,))
    assert await broker.client.ack(ack, timeout=TIMEOUT) == 0


async def test_asking_again_counts_as_a_delivery(
    broker: Broker, clock: ManualClock, flow: FlowName
) -> None:
    """A member that falls over the same latent each time it comes back gets past it."""
    (poison,) = await publish_some(broker, clock, flow, 1)
    for _ in range(DELIVERIES):
        assert await die(broker, flow, "a") == [poison]
    (sound,) = await publish_some(broker, clock, flow, 1)
    assert await die(broker, flow, "a") == [sound]


async def test_dead_letter_is_given_again_until_it_is_acknowledged(
    broker: Broker, clock: ManualClock, flow: FlowName
) -> None:
    letter = DeadLetter(flow=flow, group="g", deliveries=DELIVERIES, reason="never acknowledged")
    (latent_id,) = await publish_some(broker, clock, flow, 1)
    ref = FlowRef(tenant=DEFAULT_TENANT, flow=dead(flow))
    await broker.stores.flows.announce(ref, latent_id, letter)
    for _ in range(DELIVERIES + 2):
        assert await die(broker, dead(flow), "undertaker") == [latent_id]


async def test_dead_letter_of_a_revoked_latent_is_passed_over(
    broker: Broker, clock: ManualClock, flow: FlowName
) -> None:
    revoked, kept = await publish_some(broker, clock, flow, 2)
    for consumer in ("a", "b"):
        call = WatchCall(flow=flow, group="g", consumer=consumer)
        async with watching(broker, call) as deliveries:
            await take(deliveries, 2)
    await broker.admin.revoke(revoked, timeout=TIMEOUT)
    async with (
        watching(broker, WatchCall(flow=dead(flow))) as letters,
        watching(broker, WatchCall(flow=flow, group="g", consumer="c")),
    ):
        assert latents_of(await take(letters, 1)) == [kept]
