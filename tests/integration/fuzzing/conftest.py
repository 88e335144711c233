"""The four servers of the stack, each by its name."""

from collections.abc import AsyncIterator

import pytest

from latentflow.rpc.channel import open_channel
from tests.integration.fuzzing.asking import Target
from tests.integration.services.stack import running_stack
from tests.manual_clock import ManualClock
from tests.tiny_pair import TinyPair, write_tiny_pair


@pytest.fixture(scope="session")
def pair(tmp_path_factory: pytest.TempPathFactory) -> TinyPair:
    return write_tiny_pair(tmp_path_factory.mktemp("pair"))


@pytest.fixture(params=["broker", "broker-admin", "sharer", "receiver"])
async def target(request: pytest.FixtureRequest, pair: TinyPair) -> AsyncIterator[Target]:
    """One server of a running stack."""
    async with running_stack(pair, ManualClock()) as stack:
        addresses = {
            "broker": stack.broker.address,
            "broker-admin": stack.broker.admin_address,
            "sharer": stack.sharer_address,
            "receiver": stack.receiver_address,
        }
        async with open_channel(addresses[request.param]) as channel:
            yield Target(name=request.param, channel=channel, stack=stack)
