"""The sharer as a process: its parts and how they are put together."""

import asyncio
import logging
import os
import sys
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from functools import partial
from typing import NamedTuple

from latentflow.errors import LatentFlowError
from latentflow.rpc.access import of_service, without_tls
from latentflow.rpc.broker_client import BrokerClient
from latentflow.rpc.channel import open_channel
from latentflow.rpc.deadline import RetryPolicy
from latentflow.rpc.listening import Identity, authenticator_of, insecure_from
from latentflow.rpc.logs import log_to_stderr
from latentflow.rpc.otel import setup_telemetry
from latentflow.rpc.process import run, unless_stopped
from latentflow.rpc.prometheus import page_at
from latentflow.rpc.queue_gauges import observe_queue
from latentflow.rpc.reachability import serving_while_reached
from latentflow.rpc.server import Registration, RunningServer, ServerSettings, build_server
from latentflow.rpc.standby import Standby, listening
from latentflow.rpc.telemetry import Telemetry
from latentflow.rpc.worker import Worker
from latentflow.sealing.key_files import open_rings, open_signer
from services.sharer.content_digest import ContentDigests, secret_from
from services.sharer.engine import Engine
from services.sharer.keys import SharerKeys
from services.sharer.manifest import ClockMs, Manifests
from services.sharer.metrics import SharerMetrics, observe_memory
from services.sharer.publishing import Publishing
from services.sharer.resident import load
from services.sharer.servicer import SERVICE, SharerServicer, add_to_server
from services.sharer.settings import PREFIX, Settings
from services.sharer.sharing import Sharing

NAME = "latentflow-sharer"

_log = logging.getLogger("latentflow.sharer")


class Running(NamedTuple):
    server: RunningServer
    worker: Worker


def system_clock_ms() -> int:
    return time.time_ns() // 1_000_000


def open_keys(settings: Settings) -> SharerKeys:
    """Raises InvalidInput naming the file or the variable."""
    return SharerKeys(
        rings=open_rings(settings.key_ring_file, settings.key_ring, f"{PREFIX}KEY_RING"),
        signer=open_signer(settings.signing_key_file, settings.signing_key, f"{PREFIX}SIGNING_KEY"),
    )


async def load_sharing(
    settings: Settings,
    worker: Worker,
    broker: BrokerClient,
    clock_ms: ClockMs,
    telemetry: Telemetry,
) -> Sharing:
    """Loads on the worker's thread: meanwhile the event loop answers."""
    digests = ContentDigests(secret_from(settings.tenant_key_file))
    keys = open_keys(settings)
    async with worker.turn() as turn:
        resident = await turn.run(
            partial(load, settings.model, settings.adapters, threads=settings.threads)
        )
    metrics = SharerMetrics(telemetry.meter)
    engine = Engine(resident, worker, telemetry.tracer, metrics)
    observe_memory(telemetry.meter, resident, prefill=lambda: engine.cache_bytes)
    publishing = Publishing(
        broker=broker,
        manifests=Manifests(
            sharer=resident.backbone.identity,
            digests=digests,
            keys=keys,
            clock_ms=clock_ms,
            entropy=os.urandom,
        ),
        keys=keys,
        publish_seconds=settings.publish_seconds,
        tracer=telemetry.tracer,
        metrics=metrics,
    )
    return Sharing(engine, publishing)


def build(
    settings: Settings, standby: Standby[Sharing], telemetry: Telemetry, identity: Identity | None
) -> RunningServer:
    return build_server(
        ServerSettings(
            host=settings.host,
            port=settings.port,
            settle_seconds=settings.settle_seconds,
            grace_seconds=settings.grace_seconds,
            max_request_bytes=settings.max_request_bytes,
        ),
        [Registration(service=SERVICE, add=partial(add_to_server, SharerServicer(standby)))],
        telemetry=telemetry,
        authenticator=authenticator_of(identity),
        certificate=identity.certificate if identity else None,
    )


@asynccontextmanager
async def running(
    settings: Settings,
    stop: asyncio.Event,
    *,
    clock_ms: ClockMs = system_clock_ms,
    retry: RetryPolicy | None = None,
    telemetry: Telemetry,
) -> AsyncIterator[Running]:
    """Listens first, then loads, and serves while the broker is reached; drained at the end.

    Raises Stopped when `stop` is set while it loads.
    """
    worker = Worker("sharer", max_admitted=settings.max_waiting)
    observe_queue(telemetry.meter, worker)
    standby = Standby[Sharing]("sharer")
    identity = settings.identity()
    server = build(settings, standby, telemetry, identity)
    credentials = of_service(identity.certificate) if identity else without_tls
    async with open_channel(settings.broker, credentials) as channel, listening(server, worker):
        how = settings.how(settings.host)
        _log.info("sharer listening on %s:%d %s", settings.host, server.port, how)
        broker = BrokerClient(channel, retry=retry)
        loading = load_sharing(settings, worker, broker, clock_ms, telemetry)
        standby.fill(await unless_stopped(stop, loading))
        await server.take_calls()
        _log.info("sharer ready")
        async with serving_while_reached(server, "broker", channel):
            yield Running(server, worker)


async def serve(settings: Settings, environment: Mapping[str, str], stop: asyncio.Event) -> None:
    page = page_at(settings.metrics_host, settings.metrics_port)
    telemetry = setup_telemetry(NAME, environment, page)
    try:
        async with running(settings, stop, telemetry=telemetry):
            await stop.wait()
    finally:
        telemetry.shutdown()


def main() -> None:
    try:
        log_to_stderr(NAME, os.environ)
        insecure = insecure_from("sharer", sys.argv[1:])
        settings = Settings.from_environment(os.environ, insecure=insecure)
        run(partial(serve, settings, os.environ))
    except LatentFlowError as error:
        sys.exit(f"sharer: {error}")


if __name__ == "__main__":
    main()
