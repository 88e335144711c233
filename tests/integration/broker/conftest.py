"""Brokers put together as the process does it, on free ports, over a Valkey of their own."""

from collections.abc import AsyncIterator, Iterator

import pytest

from latentflow.latent import FlowName
from services.broker.settings import Settings
from tests.integration.broker.running import Broker, running_broker
from tests.made_latents import make_latent
from tests.manual_clock import ManualClock
from tests.store_servers import StoreServer, valkey_binary


@pytest.fixture(scope="session")
def valkey() -> Iterator[StoreServer]:
    """One server for all tests: each makes latents with ids of their own."""
    server = StoreServer(valkey_binary()).start()
    yield server
    server.remove()


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def settings(valkey: StoreServer) -> Settings:
    """Readers look at the clock often, so that a test which moves it need not wait."""
    return Settings(
        port=0,
        admin_port=0,
        store_url=valkey.url,
        longest_wait_seconds=0.05,
        redelivery_seconds=0.05,
        max_latent_bytes=512 * 1024,
        grace_seconds=0.2,
    )


@pytest.fixture
async def broker(settings: Settings, clock: ManualClock) -> AsyncIterator[Broker]:
    async with running_broker(settings, clock) as running:
        yield running


@pytest.fixture
def flow(clock: ManualClock) -> FlowName:
    """A flow that no other test has used."""
    return FlowName(f"flow-{make_latent(clock()).latent_id.lower()}")
