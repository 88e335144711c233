"""Publishing to a flow and watching it, as the tests of flows do."""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager

from latentflow.latent import FlowName, LatentId
from latentflow.relay import Delivery, WatchCall
from latentflow.wire.flows import delivery_from_proto, watch_call_to_proto
from tests.integration.broker.running import TIMEOUT, Broker
from tests.made_latents import make_latent
from tests.manual_clock import ManualClock


async def publish_some(
    broker: Broker, clock: ManualClock, flow: FlowName, count: int
) -> list[LatentId]:
    latents = [make_latent(clock(), flow=flow) for _ in range(count)]
    for made in latents:
        await broker.publish(made)
    return [made.latent_id for made in latents]


@asynccontextmanager
async def watching(
    broker: Broker, call: WatchCall
) -> AsyncIterator[AsyncGenerator[Delivery, None]]:
    """A watch that has begun; the broker's headers say so."""
    watch = broker.stub.Watch(watch_call_to_proto(call), timeout=TIMEOUT)
    await watch.initial_metadata()
    yield (delivery_from_proto(response) async for response in watch)
    watch.cancel()


async def take(deliveries: AsyncGenerator[Delivery, None], count: int) -> list[Delivery]:
    return [await anext(deliveries) for _ in range(count)]


def latents_of(deliveries: list[Delivery]) -> list[LatentId]:
    return [delivery.latent.manifest.latent_id for delivery in deliveries]
