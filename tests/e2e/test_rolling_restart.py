"""Two of each service, restarted one after the other under load: no request is lost."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import pytest

from latentflow.client import Addresses, connect
from latentflow.rpc.broker_client import BrokerClient
from latentflow.rpc.channel import open_channel
from tests.e2e.instance import Instance, target_of
from tests.e2e.load import STREAMS, TIMEOUT, Load
from tests.store_servers import StoreServer, free_ports, valkey_binary
from tests.tiny_pair import TinyPair, write_tiny_pair

SERVICES = ("broker", "sharer", "receiver")
TURNS = 2
# As deploy/kubernetes has it.
SETTLE_SECONDS = "5"

Instances = Mapping[str, list[Instance]]


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> TinyPair:
    return write_tiny_pair(tmp_path_factory.mktemp("pair"))


@pytest.fixture
def store() -> Iterator[StoreServer]:
    server = StoreServer(valkey_binary()).start()
    yield server
    server.remove()


@contextmanager
def instances_of(store: StoreServer, pair: TinyPair, logs: Path) -> Iterator[Instances]:
    """Of each service as many as TURNS, not started yet."""
    made: dict[str, list[Instance]] = {}

    def make(service: str, **settings: str) -> None:
        made[service] = [
            Instance(service, port, logs / f"{service}-{port}", **settings)
            for port in free_ports(TURNS)
        ]

    common = {"SETTLE_SECONDS": SETTLE_SECONDS}
    # Streams that go on are handed over at the end of the grace.
    streams = {"TENANT_UPLOADS": str(STREAMS), "GRACE_SECONDS": "1"}
    make("broker", STORE_URL=store.url, ADMIN_PORT="0", **streams, **common)
    common |= {"BROKER": target_of(*made["broker"]), "ADAPTERS": str(pair.adapters), "THREADS": "1"}
    make("sharer", MODEL=str(pair.sharer_folder), **common)
    make("receiver", MODEL=str(pair.receiver_folder), **common)
    try:
        yield made
    finally:
        for instance in (each for several in made.values() for each in several):
            instance.kill()


@asynccontextmanager
async def under_load(instances: Instances) -> AsyncIterator[Load]:
    """All of it has come to its end when the block has."""
    addresses = Addresses(
        sharer=target_of(*instances["sharer"]), receiver=target_of(*instances["receiver"])
    )
    async with (
        open_channel(target_of(*instances["broker"])) as broker,
        connect(addresses) as flow,
        asyncio.TaskGroup() as tasks,
    ):
        load = Load(BrokerClient(broker), flow, TURNS)
        tasks.create_task(load.run())
        await asyncio.wait_for(load.is_full.wait(), TIMEOUT)
        yield load


async def restart(instance: Instance) -> None:
    assert await instance.stop() == 0
    await instance.start()


@pytest.mark.rolling
async def test_no_request_is_lost_when_every_service_is_restarted(
    store: StoreServer, pair: TinyPair, tmp_path: Path
) -> None:
    with instances_of(store, pair, tmp_path) as instances:
        await asyncio.gather(*(each.start() for several in instances.values() for each in several))
        async with under_load(instances) as load:
            for turn, is_over in enumerate(load.turns):
                await asyncio.gather(*(restart(instances[service][turn]) for service in SERVICES))
                assert load.in_flight >= STREAMS
                is_over.set()
        assert not load.failures
        assert load.handed_over > 0
