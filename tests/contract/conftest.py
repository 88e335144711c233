"""Every store that the suites here run against: in memory, on Valkey, on Redis when it is here.

A server alone, a Cluster of three primaries, and a primary that Sentinels watch.
"""

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass

import pytest

from services.broker.memory_store.flows import MemoryFlows
from services.broker.memory_store.latents import MemoryLatents
from services.broker.memory_store.quotas import MemoryQuotas
from services.broker.redis_store.connection import connect
from services.broker.redis_store.flows import RedisFlows
from services.broker.redis_store.latents import RedisLatents
from services.broker.redis_store.quotas import RedisQuotas
from services.broker.store import FlowStore, LatentStore, QuotaStore
from services.broker.store_url import parse_store_url
from tests.contract.samples import LIMITS, RETENTIONS
from tests.manual_clock import ManualClock
from tests.store_cluster import StoreCluster
from tests.store_sentinels import SentinelStore
from tests.store_servers import StoreServer, binaries

FORMS = {"alone": StoreServer, "cluster": StoreCluster, "sentinel": SentinelStore}
AnyStore = StoreServer | StoreCluster | SentinelStore
STORES = ["memory", *(f"{name}-{form}" for name in binaries() for form in FORMS)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stores:
    latents: LatentStore
    flows: FlowStore
    quotas: QuotaStore


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture(scope="session", params=STORES)
def server(request: pytest.FixtureRequest) -> Iterator[AnyStore | None]:
    """The server of the store that the suite is at; None in memory."""
    if request.param == "memory":
        yield None
        return
    name, _, form = request.param.partition("-")
    running = FORMS[form](binaries()[name]).start()
    yield running
    running.remove()


@pytest.fixture
async def stores(server: AnyStore | None, clock: ManualClock) -> AsyncIterator[Stores]:
    """An empty store."""
    if server is None:
        latents = MemoryLatents(limits=LIMITS, capacity_bytes=1 << 20, clock_ms=clock)
        yield Stores(latents=latents, flows=MemoryFlows(clock, RETENTIONS), quotas=MemoryQuotas())
        return
    server.flush()
    connections = connect(parse_store_url(server.url), followers=8)
    yield Stores(
        latents=RedisLatents(connections, LIMITS),
        flows=RedisFlows(connections, RETENTIONS),
        quotas=RedisQuotas(connections),
    )
    await connections.close()


@pytest.fixture
def latents(stores: Stores) -> LatentStore:
    return stores.latents


@pytest.fixture
def flows(stores: Stores) -> FlowStore:
    return stores.flows


@pytest.fixture
def quotas(stores: Stores) -> QuotaStore:
    return stores.quotas
