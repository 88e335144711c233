"""Two of each service, restarted one after the other under load: no request is lost."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import pytest

from latentflow.client import Addresses, connect
from latentflow.rpc.broker_client import BrokerClient
from latentflow.rpc.channel import open_channel
from tests.e2e.instance import Instance, target_of
from tests.e2e.load import CALLERS, STREAMS, TIMEOUT, Load
from tests.store_servers import StoreServer, free_ports, valkey_binary
from tests.tiny_pair import TinyPair, write_tiny_pair

TURNS = 2
# As deploy/kubernetes has it.
SETTLE_SECONDS = 5.0
# A broker's streams go on: they are handed over at its end. Handoffs come to theirs.
GRACE_SECONDS = {"broker": 1.0, "sharer": 10.0, "receiver": 10.0}

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
            Instance(
                service,
                port,
                logs / f"{service}-{port}",
                settle_seconds=SETTLE_SECONDS,
                grace_seconds=GRACE_SECONDS[service],
                **settings,
            )
            for port in free_ports(TURNS)
        ]

    make("broker", STORE_URL=store.url, ADMIN_PORT="0", TENANT_UPLOADS=str(STREAMS))
    common = {"BROKER": target_of(*made["broker"]), "ADAPTERS": str(pair.adapters), "THREADS": "1"}
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
        yield load


async def restart(instances: Sequence[Instance], load: Load) -> None:
    """All at once, while requests of every kind are in flight, of which handoffs end meanwhile."""
    await asyncio.wait_for(load.under_way(), TIMEOUT)
    handed_over = load.handed_over
    for instance in instances:
        instance.terminate()
    await asyncio.gather(*map(come_back, instances))
    assert load.streams.in_flight >= STREAMS
    # More than those that were in flight: some began while services were away.
    assert load.handed_over > handed_over + CALLERS


async def come_back(instance: Instance) -> None:
    assert await instance.exit_code() == 0
    await instance.start()


@pytest.mark.rolling
async def test_no_request_is_lost_when_every_service_is_restarted(
    store: StoreServer, pair: TinyPair, tmp_path: Path
) -> None:
    with instances_of(store, pair, tmp_path) as instances:
        await asyncio.gather(*(each.start() for several in instances.values() for each in several))
        async with under_load(instances) as load:
            for turn, is_over in enumerate(load.turns):
                await restart([several[turn] for several in instances.values()], load)
                is_over.set()
        assert not load.failures
