"""A fake broker, its client, and the cable between them."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest

from latentflow.rpc.admin_client import AdminClient
from latentflow.rpc.broker_client import BrokerClient
from latentflow.rpc.channel import open_channel
from latentflow.rpc.deadline import RetryPolicy
from tests.integration.rpc.cable import Cable, cable_to
from tests.integration.rpc.fake_broker import FakeBroker
from tests.integration.rpc.probe import served

EAGER = RetryPolicy(attempts=8, first_seconds=0.01, longest_seconds=0.5)


@dataclass(frozen=True, slots=True)
class There:
    broker: FakeBroker
    client: BrokerClient
    admin: AdminClient
    cable: Cable


@pytest.fixture
async def there() -> AsyncIterator[There]:
    broker = FakeBroker()
    async with (
        served(broker.registration()) as serving,
        cable_to(serving.server.port) as cable,
        open_channel(f"127.0.0.1:{cable.port}") as channel,
    ):
        yield There(broker, BrokerClient(channel, retry=EAGER), AdminClient(channel), cable)
