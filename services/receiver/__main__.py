"""The receiver as a process: its parts and how they are put together."""

import asyncio
import logging
import os
import secrets
import sys
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from functools import partial
from typing import NamedTuple

from latentflow.calls import SessionId
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
from services.receiver.answering import Answering
from services.receiver.budget import MemoryBudget
from services.receiver.loading import load_answering
from services.receiver.servicer import SERVICE, ReceiverServicer, add_to_server
from services.receiver.sessions import Clock, Sessions
from services.receiver.settings import Settings

NAME = "latentflow-receiver"

_log = logging.getLogger("latentflow.receiver")


class Running(NamedTuple):
    server: RunningServer
    worker: Worker


def new_session_id() -> SessionId:
    """Not to be guessed."""
    return SessionId(secrets.token_hex(16))


def open_sessions(settings: Settings, clock: Clock) -> Sessions:
    return Sessions(
        budget=MemoryBudget("session_bytes", settings.session_bytes),
        clock=clock,
        new_id=new_session_id,
    )


def build(
    settings: Settings, standby: Standby[Answering], telemetry: Telemetry, identity: Identity | None
) -> RunningServer:
    return build_server(
        ServerSettings(
            host=settings.host,
            port=settings.port,
            settle_seconds=settings.settle_seconds,
            grace_seconds=settings.grace_seconds,
            max_request_bytes=settings.max_request_bytes,
        ),
        [Registration(service=SERVICE, add=partial(add_to_server, ReceiverServicer(standby)))],
        telemetry=telemetry,
        authenticator=authenticator_of(identity),
        certificate=identity.certificate if identity else None,
    )


@asynccontextmanager
async def ending_idle(sessions: Sessions, *, every_seconds: float = 1.0) -> AsyncIterator[None]:
    """Frees what nobody asks for any more, for as long as the block lasts."""

    async def end_idle() -> None:
        while True:
            await asyncio.sleep(every_seconds)
            sessions.end_idle()

    ending = asyncio.create_task(end_idle())
    try:
        yield
    finally:
        ending.cancel()


@asynccontextmanager
async def running(
    settings: Settings,
    stop: asyncio.Event,
    *,
    clock: Clock = time.monotonic,
    retry: RetryPolicy | None = None,
    telemetry: Telemetry,
) -> AsyncIterator[Running]:
    """Listens first, then loads, and serves while the broker is reached; drained at the end.

    Raises Stopped when `stop` is set while it loads.
    """
    worker = Worker("receiver", max_admitted=settings.max_waiting)
    observe_queue(telemetry.meter, worker)
    sessions = open_sessions(settings, clock)
    standby = Standby[Answering]("receiver")
    identity = settings.identity()
    server = build(settings, standby, telemetry, identity)
    credentials = of_service(identity.certificate) if identity else without_tls
    async with open_channel(settings.broker, credentials) as channel, listening(server, worker):
        how = settings.how(settings.host)
        _log.info("receiver listening on %s:%d %s", settings.host, server.port, how)
        broker = BrokerClient(channel, retry=retry)
        loading = load_answering(
            settings, worker, broker, sessions, telemetry, server.report_detail
        )
        loaded = await unless_stopped(stop, loading)
        standby.fill(loaded.answering)
        await server.take_calls()
        _log.info("receiver ready")
        async with (
            ending_idle(sessions),
            loaded.shadowing.running(),
            serving_while_reached(server, "broker", channel),
        ):
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
        insecure = insecure_from("receiver", sys.argv[1:])
        settings = Settings.from_environment(os.environ, insecure=insecure)
        run(partial(serve, settings, os.environ))
    except LatentFlowError as error:
        sys.exit(f"receiver: {error}")


if __name__ == "__main__":
    main()
