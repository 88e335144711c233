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

from opentelemetry.trace import Tracer

from latentflow.calls import SessionId
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
from services.receiver.answering import Answering
from services.receiver.budget import MemoryBudget
from services.receiver.engine import Engine
from services.receiver.inputs import Gathering
from services.receiver.resident import Resident, load
from services.receiver.servicer import SERVICE, ReceiverServicer, add_to_server
from services.receiver.sessions import Clock, Sessions
from services.receiver.settings import Settings

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


async def load_resident(settings: Settings, worker: Worker) -> Resident:
    """On the worker's thread: while it loads, the event loop answers."""
    async with worker.turn() as turn:
        return await turn.run(
            partial(load, settings.model, settings.adapters, threads=settings.threads)
        )


async def load_answering(
    settings: Settings, worker: Worker, broker: BrokerClient, sessions: Sessions, tracer: Tracer
) -> Answering:
    resident = await load_resident(settings, worker)
    engine = Engine(resident, worker, max_batch=settings.max_batch)
    await engine.warm_up()
    return Answering(
        engine=engine,
        gathering=Gathering(
            broker=broker,
            resident=resident,
            reader=settings.name,
            fetch_seconds=settings.fetch_seconds,
            tracer=tracer,
        ),
        sessions=sessions,
        fetch_budget=MemoryBudget("fetch_bytes", settings.fetch_bytes),
        tracer=tracer,
    )


def build(
    settings: Settings, standby: Standby[Answering], tracer: Tracer, identity: Identity | None
) -> RunningServer:
    return build_server(
        ServerSettings(
            host=settings.host, port=settings.port, grace_seconds=settings.grace_seconds
        ),
        [Registration(service=SERVICE, add=partial(add_to_server, ReceiverServicer(standby)))],
        tracer=tracer,
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
    *,
    clock: Clock = time.monotonic,
    retry: RetryPolicy | None = None,
    tracer: Tracer,
) -> AsyncIterator[Running]:
    """Listens first, then loads; drained at the end of the block."""
    worker = Worker("receiver", max_admitted=settings.max_waiting)
    sessions = open_sessions(settings, clock)
    standby = Standby[Answering]("receiver")
    identity = settings.identity()
    server = build(settings, standby, tracer, identity)
    credentials = of_service(identity.certificate) if identity else without_tls
    async with open_channel(settings.broker, credentials) as channel, listening(server, worker):
        how = settings.how(settings.host)
        _log.info("receiver listening on %s:%d %s", settings.host, server.port, how)
        broker = BrokerClient(channel, retry=retry)
        standby.fill(await load_answering(settings, worker, broker, sessions, tracer))
        await server.report_serving()
        _log.info("receiver ready")
        async with ending_idle(sessions):
            yield Running(server, worker)


async def serve(settings: Settings, environment: Mapping[str, str], stop: asyncio.Event) -> None:
    telemetry = setup_telemetry("latentflow-receiver", environment)
    try:
        async with running(settings, tracer=telemetry.tracer):
            await stop.wait()
    finally:
        telemetry.shutdown()


def main() -> None:
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    try:
        insecure = insecure_from("receiver", sys.argv[1:])
        settings = Settings.from_environment(os.environ, insecure=insecure)
        run(partial(serve, settings, os.environ))
    except LatentFlowError as error:
        sys.exit(f"receiver: {error}")


if __name__ == "__main__":
    main()
