"""A primary that dies: the Sentinels make another one, and the publisher goes on there."""

import asyncio
from collections.abc import Iterator

import pytest

from latentflow.errors import Exhausted, Unreachable
from services.broker.settings import Settings
from tests.integration.broker.running import TIMEOUT, Broker, Publisher, running_broker
from tests.made_latents import MadeLatent, make_latent
from tests.manual_clock import ManualClock
from tests.store_sentinels import SentinelStore
from tests.store_servers import binaries


@pytest.fixture(params=binaries())
def store(request: pytest.FixtureRequest) -> Iterator[SentinelStore]:
    """One of the test's own: a failover happens once."""
    server = SentinelStore(binaries()[request.param]).start()
    yield server
    server.remove()


async def test_a_publisher_goes_on_at_the_new_primary_and_readers_get_every_byte(
    settings: Settings, store: SentinelStore, clock: ManualClock
) -> None:
    over = Settings(port=0, store_url=store.url, longest_wait_seconds=0.2, grace_seconds=0.2)
    async with running_broker(over, clock) as broker:
        before, during = make_latent(clock()), make_latent(clock())
        await broker.publish(before)
        publisher = Publisher(broker)
        await publisher.open(during)
        await publisher.say(during.frames[0])
        await asyncio.sleep(0.2)  # replicas are told of writes after they were acknowledged
        store.kill_primary()
        await asyncio.to_thread(store.await_promotion)
        await _publish_when_it_can(broker, during)
        for made in (before, during):
            fetched = await broker.client.fetch(made.latent_id, timeout=TIMEOUT)
            assert fetched.stream == made.stream


async def _publish_when_it_can(broker: Broker, made: MadeLatent) -> None:
    """As a publisher does that is told to come again."""
    async with asyncio.timeout(TIMEOUT):
        while True:
            try:
                await broker.publish(made)
            except (Unreachable, Exhausted) as error:
                await asyncio.sleep(min(0.2, error.retry_after_seconds))
            else:
                return
