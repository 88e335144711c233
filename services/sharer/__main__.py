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

from opentelemetry.trace import Tracer

from latentflow.errors import LatentFlowError
from latentflow.rpc.access import of_service, without_tls
from latentflow.rpc.broker_client import BrokerClient
from latentflow.rpc.channel import open_channel
from latentflow.rpc.deadline import RetryPolicy
from latentflow.rpc.listening import Identity, authenticator_of, insecure_from
from latentflow.rpc.otel import setup_telemetry
from latentflow.rpc.process import run
from latentflow.rpc.server import Registration, RunningServer, ServerSettings, build_server
from latentflow.rpc.standby import Standby, listening
from latentflow.rpc.worker import Worker
from services.sharer.content_digest import ContentDigests, secret_from
from services.sharer.engine import Engine
from services.sharer.resident import load
from services.sharer.servicer import SERVICE, SharerServicer, add_to_server
from services.sharer.settings import Settings
from services.sharer.sharing import Births, ClockMs, Sharing

_log = logging.getLogger("latentflow.sharer")


class Running(NamedTuple):
    server: RunningServer
    worker: Worker


def system_clock_ms() -> int:
    return time.time_ns() // 1_000_000


async def load_sharing(
    settings: Settings, worker: Worker, broker: BrokerClient, clock_ms: ClockMs, tracer: Tracer
) -> Sharing:
    """Loads on the worker's thread: meanwhile the event loop answers."""
    digests = ContentDigests(secret_from(settings.tenant_key_file))
    async with worker.turn() as turn:
        resident = await turn.run(
            partial(load, settings.model, settings.adapters, threads=settings.threads)
        )
    return Sharing(
        engine=Engine(resident, worker, tracer),
        broker=broker,
        births=Births(clock_ms=clock_ms, entropy=os.urandom),
        digests=digests,
        publish_seconds=settings.publish_seconds,
        tracer=tracer,
    )


def build(
    settings: Settings, standby: Standby[Sharing], tracer: Tracer, identity: Identity | None
) -> RunningServer:
    return build_server(
        ServerSettings(
            host=settings.host, port=settings.port, grace_seconds=settings.grace_seconds
        ),
        [Registration(service=SERVICE, add=partial(add_to_server, SharerServicer(standby)))],
        tracer=tracer,
        authenticator=authenticator_of(identity),
        certificate=identity.certificate if identity else None,
    )


@asynccontextmanager
async def running(
    settings: Settings,
    *,
    clock_ms: ClockMs = system_clock_ms,
    retry: RetryPolicy | None = None,
    tracer: Tracer,
) -> AsyncIterator[Running]:
    """Listens first, then loads; drained at the end of the block."""
    worker = Worker("sharer", max_admitted=settings.max_waiting)
    standby = Standby[Sharing]("sharer")
    identity = settings.identity()
    server = build(settings, standby, tracer, identity)
    credentials = of_service(identity.certificate) if identity else without_tls
    async with open_channel(settings.broker, credentials) as channel, listening(server, worker):
        how = settings.how(settings.host)
        _log.info("sharer listening on %s:%d %s", settings.host, server.port, how)
        broker = BrokerClient(channel, retry=retry)
        standby.fill(await load_sharing(settings, worker, broker, clock_ms, tracer))
        await server.report_serving()
        _log.info("sharer ready")
        yield Running(server, worker)


async def serve(settings: Settings, environment: Mapping[str, str], stop: asyncio.Event) -> None:
    telemetry = setup_telemetry("latentflow-sharer", environment)
    try:
        async with running(settings, tracer=telemetry.tracer):
            await stop.wait()
    finally:
        telemetry.shutdown()


def main() -> None:
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    try:
        insecure = insecure_from("sharer", sys.argv[1:])
        settings = Settings.from_environment(os.environ, insecure=insecure)
        run(partial(serve, settings, os.environ))
    except LatentFlowError as error:
        sys.exit(f"sharer: {error}")


if __name__ == "__main__":
    main()
