"""The tiny pair, written and loaded once a session, and the services around it for each test."""

from collections.abc import AsyncIterator

import pytest

from tests.integration.services.callers import Stack
from tests.integration.services.stack import running_stack
from tests.manual_clock import ManualClock
from tests.tiny_pair import TinyPair, write_tiny_pair


@pytest.fixture(scope="session")
def pair(tmp_path_factory: pytest.TempPathFactory) -> TinyPair:
    return write_tiny_pair(tmp_path_factory.mktemp("pair"))


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
async def stack(pair: TinyPair, clock: ManualClock) -> AsyncIterator[Stack]:
    async with running_stack(pair, clock) as running:
        yield running
