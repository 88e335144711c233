"""The stores of a stage, each started once: how to reach one, kill it and make it whole again."""

import asyncio
from collections.abc import AsyncIterator, Coroutine, Mapping
from contextlib import ExitStack, asynccontextmanager
from typing import Protocol

from tests.faults.link import Link, link_to
from tests.faults.plan import Hop, Keeping, Plan, Stand
from tests.store_cluster import StoreCluster
from tests.store_sentinels import SentinelStore
from tests.store_servers import StoreServer, binaries, free_ports

_KEEPS = {"appendonly": "yes", "appendfsync": "always"}


class Stores(Protocol):
    """`links` has the proxy before them, where there can be one."""

    @property
    def url(self) -> str: ...

    @property
    def links(self) -> Mapping[Hop, Link]: ...

    async def prepare(self, plan: Plan) -> None:
        """The next run is over the store that its plan wants."""

    def kill(self, plan: Plan) -> Coroutine[None, None, None]:
        """Strikes. What is returned is done once the store is whole again."""


class LoneStores:
    """Servers alone, one that keeps and one that forgets, behind one proxy."""

    def __init__(self, servers: Mapping[Keeping, StoreServer], link: Link) -> None:
        self.url = f"redis://127.0.0.1:{link.port}/0"
        self.links = {Hop.STORE: link}
        self._servers = servers

    async def prepare(self, plan: Plan) -> None:
        link, port = self.links[Hop.STORE], self._servers[plan.keeping].port
        if link.target_port != port:
            link.target_port = port
            await link.mend()

    def kill(self, plan: Plan) -> Coroutine[None, None, None]:
        server = self._servers[plan.keeping]
        server.stop()
        return _start_late(server, plan.strike.seconds)


class ReplicatedStore:
    """One store of several servers. Of a Cluster, the plan's seed says which primary is killed."""

    def __init__(self, servers: SentinelStore | StoreCluster) -> None:
        self.url = servers.url
        self.links: Mapping[Hop, Link] = {}
        self._servers = servers

    async def prepare(self, plan: Plan) -> None:
        pass

    async def kill(self, plan: Plan) -> None:
        if plan.keeping is Keeping.FORGETS:
            await asyncio.to_thread(self._servers.hold_back_replica, plan.seed)
            await asyncio.sleep(plan.strike.seconds)
        self._servers.kill_primary(plan.seed)
        await asyncio.to_thread(self._servers.heal, plan.seed)


def is_here(stand: Stand) -> bool:
    """Whether its servers are on this machine."""
    return _kind(stand) in binaries()


@asynccontextmanager
async def open_stores(stand: Stand) -> AsyncIterator[Stores]:
    binary = binaries()[_kind(stand)]
    with ExitStack() as cleanup:
        match stand:
            case Stand.SENTINELS:
                yield _replicated(cleanup, SentinelStore(binary))
            case Stand.CLUSTER:
                yield _replicated(cleanup, StoreCluster(binary, replicas=True))
            case _:
                keeps, forgets = _alone(cleanup, binary, **_KEEPS), _alone(cleanup, binary)
                async with link_to(keeps.port) as link:
                    yield LoneStores({Keeping.KEEPS: keeps, Keeping.FORGETS: forgets}, link)


def _kind(stand: Stand) -> str:
    return "redis" if stand is Stand.REDIS else "valkey"


def _replicated(cleanup: ExitStack, servers: SentinelStore | StoreCluster) -> ReplicatedStore:
    cleanup.callback(servers.remove)
    servers.start()
    return ReplicatedStore(servers)


def _alone(cleanup: ExitStack, binary: str, **options: str) -> StoreServer:
    (port,) = free_ports(1)
    server = StoreServer(binary, port=port, **options)
    cleanup.callback(server.remove)
    return server.start()


async def _start_late(server: StoreServer, seconds: float) -> None:
    await asyncio.sleep(seconds)
    await asyncio.to_thread(server.start)
