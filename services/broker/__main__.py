"""The broker as a process: its parts and how they are put together."""

import asyncio
import logging
import os
import sys
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial
from typing import NamedTuple

from opentelemetry.metrics import Meter

from latentflow.errors import InvalidInput
from latentflow.latent import Tenant
from latentflow.rpc.auth_interceptor import DEFAULT_TENANT
from latentflow.rpc.authenticators import admin_only, without_admin
from latentflow.rpc.listening import Identity, authenticator_of, insecure_from
from latentflow.rpc.logs import log_to_stderr
from latentflow.rpc.otel import setup_telemetry
from latentflow.rpc.process import run
from latentflow.rpc.prometheus import page_at
from latentflow.rpc.server import Registration, RunningServer, ServerSettings, build_server
from latentflow.rpc.telemetry import Telemetry
from latentflow.wire.publish import MAX_REQUEST_BYTES
from services.broker.catalogue import Catalogue
from services.broker.inspecting import Inspecting
from services.broker.lineage import Lineages
from services.broker.memory_store.flows import MemoryFlows
from services.broker.memory_store.latents import MemoryLatents
from services.broker.memory_store.quotas import MemoryQuotas
from services.broker.metrics import BrokerMetrics, observe_breaker
from services.broker.publishing import Publishing
from services.broker.quotas import LimitsOf, Quotas
from services.broker.readiness import StoreWatch
from services.broker.record import ClockMs, TenantLimits, UploadLimits
from services.broker.redis_store.connection import connect
from services.broker.redis_store.flows import RedisFlows
from services.broker.redis_store.latents import RedisLatents
from services.broker.redis_store.quotas import RedisQuotas
from services.broker.servicer import SERVICE, BrokerServicer, add_to_server
from services.broker.settings import Settings
from services.broker.store import FlowStore, LatentStore, QuotaStore
from services.broker.store_survey import StoreSurvey, observe_store
from services.broker.store_url import StoreForm, parse_store_url
from services.broker.subscribing import Subscribing
from services.broker.watching import Watching

NAME = "latentflow-broker"

_log = logging.getLogger("latentflow.broker")


def _always_asked() -> bool:
    return False


class Stores(NamedTuple):
    """`is_cut_off`: whether the store is not asked for now, as it did not answer."""

    latents: LatentStore
    flows: FlowStore
    quotas: QuotaStore
    is_cut_off: Callable[[], bool] = _always_asked


def system_clock_ms() -> int:
    return time.time_ns() // 1_000_000


@asynccontextmanager
async def open_stores(settings: Settings, clock_ms: ClockMs) -> AsyncIterator[Stores]:
    limits = UploadLimits(
        lease_ms=round(settings.upload_lease_seconds * 1000),
        latent_bytes=settings.max_latent_bytes,
    )
    url = parse_store_url(settings.store_url)
    if url.form is StoreForm.MEMORY:
        capacity_bytes = settings.memory_bytes
        latents = MemoryLatents(limits=limits, capacity_bytes=capacity_bytes, clock_ms=clock_ms)
        yield Stores(latents, MemoryFlows(clock_ms, settings.retentions), MemoryQuotas())
        return
    connections = connect(url, followers=settings.followers)
    try:
        yield Stores(
            RedisLatents(connections, limits),
            RedisFlows(connections, settings.retentions),
            RedisQuotas(connections),
            lambda: connections.breaker.is_open,
        )
    finally:
        await connections.close()


class Servers(NamedTuple):
    public: RunningServer
    admin: RunningServer


def build_servicer(
    settings: Settings,
    stores: Stores,
    clock_ms: ClockMs,
    meter: Meter,
    identity: Identity | None = None,
) -> BrokerServicer:
    latents, flows = stores.latents, stores.flows
    metrics = BrokerMetrics(meter)
    lease_ms = round(settings.upload_lease_seconds * 1000)
    quotas = Quotas(stores.quotas, limits_of(settings, identity), lease_ms=lease_ms)
    longest_wait_ms = round(settings.longest_wait_seconds * 1000)
    return BrokerServicer(
        publishing=Publishing(
            latents=latents,
            flows=flows,
            quotas=quotas,
            clock_ms=clock_ms,
            credit_bytes=settings.credit_bytes,
            metrics=metrics,
        ),
        subscribing=Subscribing(
            latents=latents,
            clock_ms=clock_ms,
            longest_wait_ms=longest_wait_ms,
            metrics=metrics,
        ),
        watching=Watching(
            latents=latents,
            flows=flows,
            clock_ms=clock_ms,
            redelivery_ms=round(settings.redelivery_seconds * 1000),
            most_deliveries=settings.max_deliveries,
            longest_wait_ms=longest_wait_ms,
            metrics=metrics,
        ),
        catalogue=Catalogue(latents=latents, quotas=quotas, clock_ms=clock_ms),
        lineages=Lineages(latents=latents, quotas=quotas, clock_ms=clock_ms),
        inspecting=Inspecting(latents=latents, clock_ms=clock_ms),
    )


def limits_of(settings: Settings, identity: Identity | None) -> LimitsOf:
    """Those of the settings, but for what the tenants file says otherwise."""
    usual = TenantLimits(
        stored_bytes=settings.tenant_bytes,
        open_uploads=settings.tenant_uploads,
        publishes_per_second=settings.tenant_publishes_per_second,
    )
    if identity is None:
        return lambda tenant: usual
    tenants = identity.tenants
    return lambda tenant: replace(usual, **tenants().named(tenant).quotas)  # type: ignore[arg-type]


def build(
    settings: Settings,
    servicer: BrokerServicer,
    telemetry: Telemetry,
    identity: Identity | None = None,
) -> Servers:
    """Two servers of the same service: each refuses what is the other's."""
    authenticator = authenticator_of(identity)
    public = ServerSettings(
        host=settings.host,
        port=settings.port,
        services_port=settings.services_port,
        settle_seconds=settings.settle_seconds,
        grace_seconds=settings.grace_seconds,
        max_concurrent_rpcs=settings.max_calls,
        max_request_bytes=MAX_REQUEST_BYTES,
    )
    admin = replace(public, host=settings.admin_host, port=settings.admin_port, services_port=None)
    made = partial(
        build_server,
        registrations=[Registration(service=SERVICE, add=partial(add_to_server, servicer))],
        telemetry=telemetry,
        certificate=identity.certificate if identity else None,
    )
    return Servers(
        public=made(public, authenticator=without_admin(authenticator)),
        admin=made(admin, authenticator=admin_only(authenticator)),
    )


async def serve(settings: Settings, environment: Mapping[str, str], stop: asyncio.Event) -> None:
    identity = settings.identity()
    page = page_at(settings.metrics_host, settings.metrics_port)
    telemetry = setup_telemetry(NAME, environment, page)
    try:
        async with open_stores(settings, system_clock_ms) as stores:
            servicer = build_servicer(settings, stores, system_clock_ms, telemetry.meter, identity)
            servers = build(settings, servicer, telemetry, identity)
            async with surveying(stores, telemetry, identity):
                await _serve_until(stop, settings, servers, stores)
    finally:
        telemetry.shutdown()


def _tenants(identity: Identity | None) -> list[Tenant]:
    if identity is None:
        return [DEFAULT_TENANT]
    return [entry.tenant for entry in identity.tenants().entries]


@asynccontextmanager
async def surveying(
    stores: Stores, telemetry: Telemetry, identity: Identity | None
) -> AsyncIterator[None]:
    """Looks at the store for its gauges as long as the block lasts, if anybody reads them."""
    if not telemetry.is_metered:
        yield
        return
    survey = StoreSurvey(
        latents=stores.latents,
        flows=stores.flows,
        tenants=partial(_tenants, identity),
        clock_ms=system_clock_ms,
    )
    observe_store(telemetry.meter, survey)
    observe_breaker(telemetry.meter, stores.is_cut_off)
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(survey.run())
        try:
            yield
        finally:
            running.cancel()


async def _serve_until(
    stop: asyncio.Event, settings: Settings, servers: Servers, stores: Stores
) -> None:
    healths = [server.health for server in servers]
    watch = StoreWatch(stores.latents, healths, SERVICE, system_clock_ms)
    for server in servers:
        await server.start_waiting()
        await server.take_calls()
    _tell_where(settings, servers)
    async with asyncio.TaskGroup() as tasks:
        watching = tasks.create_task(watch.run())
        try:
            await stop.wait()
        finally:
            # First, or a store that comes back would make a server that drains report SERVING.
            watching.cancel()
            await asyncio.gather(servers.public.drain(), servers.admin.drain())


def _tell_where(settings: Settings, servers: Servers) -> None:
    host, admin_host = settings.host, settings.admin_host
    _log.info(
        "broker's admin port is on %s:%d %s",
        admin_host,
        servers.admin.port,
        settings.how(admin_host),
    )
    if servers.public.services_port is not None:
        _log.info("broker takes services on %s:%d", host, servers.public.services_port)
    _log.info("broker listening on %s:%d %s", host, servers.public.port, settings.how(host))


def main() -> None:
    try:
        log_to_stderr(NAME, os.environ)
        insecure = insecure_from("broker", sys.argv[1:])
        settings = Settings.from_environment(os.environ, insecure=insecure)
        run(partial(serve, settings, os.environ))
    except InvalidInput as error:
        sys.exit(f"broker: {error}")


if __name__ == "__main__":
    main()
