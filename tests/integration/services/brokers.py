"""A broker put together as its process does it, over a store in memory."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

from latentflow.rpc.telemetry import SILENT, Telemetry
from services.broker.__main__ import Servers, Stores, build, build_servicer, open_stores
from services.broker.settings import Settings as BrokerSettings
from tests.manual_clock import ManualClock

# Readers look at the clock often, so that a test which moves it need not wait.
BROKER = BrokerSettings(
    port=0, admin_port=0, store_url="memory:", longest_wait_seconds=0.05, grace_seconds=0.2
)


class Broker:
    """A broker whose store outlives its server, so that it can be down and come back."""

    def __init__(
        self, stores: Stores, settings: BrokerSettings, clock: ManualClock, telemetry: Telemetry
    ) -> None:
        self.stores = stores
        self._telemetry = telemetry
        self._settings = settings
        self._clock = clock
        self._servers: Servers | None = None

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self._settings.port}"

    @property
    def admin_address(self) -> str:
        return f"127.0.0.1:{self._settings.admin_port}"

    async def start(self) -> None:
        """On a free port at first, on the same one later."""
        telemetry = self._telemetry
        servicer = build_servicer(self._settings, self.stores, self._clock, telemetry.meter)
        self._servers = build(self._settings, servicer, telemetry)
        public, admin = self._servers
        self._settings = replace(self._settings, port=public.port, admin_port=admin.port)
        for server in self._servers:
            await server.start()

    async def stop(self) -> None:
        for server in self._servers or ():
            await server.drain()
        self._servers = None


@asynccontextmanager
async def running_broker(
    clock: ManualClock,
    telemetry: Telemetry = SILENT,
    *,
    memory_bytes: int = BROKER.memory_bytes,
) -> AsyncIterator[Broker]:
    settings = replace(BROKER, memory_bytes=memory_bytes)
    async with (
        open_stores(settings, clock) as stores,
        broker_over(stores, clock, telemetry) as broker,
    ):
        yield broker


@asynccontextmanager
async def broker_over(
    stores: Stores, clock: ManualClock, telemetry: Telemetry = SILENT
) -> AsyncIterator[Broker]:
    broker = Broker(stores, BROKER, clock, telemetry)
    await broker.start()
    try:
        yield broker
    finally:
        await broker.stop()
