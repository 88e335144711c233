"""The receiver as a process: its parts and how they are put together."""

import asyncio
import logging
import os
import secrets
import sys
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

from opentelemetry.metrics import Meter
from opentelemetry.trace import Tracer

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
from latentflow.rpc.telemetry import SILENT, Telemetry
from latentflow.rpc.worker import Worker
from latentflow.sealing.guard import ReaderKeys
from latentflow.sealing.key_files import open_rings, open_signers
from services.receiver.answering import Answering, Offer, offer_to_nobody
from services.receiver.budget import MemoryBudget
from services.receiver.engine import Engine
from services.receiver.fetching import Fetching
from services.receiver.fidelity import Fidelity
from services.receiver.inputs import Gathering
from services.receiver.metrics import (
    ReceiverMetrics,
    ShadowMetrics,
    observe_memory,
    observe_routes,
)
from services.receiver.resident import Resident, load
from services.receiver.servicer import SERVICE, ReceiverServicer, add_to_server
from services.receiver.sessions import Clock, Sessions
from services.receiver.settings import PREFIX, Settings
from services.receiver.shadowing import Report, Shadowing
from services.receiver.unpacking import Unpacking

NAME = "latentflow-receiver"

_log = logging.getLogger("latentflow.receiver")


class Running(NamedTuple):
    server: RunningServer
    worker: Worker


class Computing(NamedTuple):
    resident: Resident
    engine: Engine
    metrics: ReceiverMetrics


class Budgets(NamedTuple):
    """By what is held."""

    sessions: MemoryBudget
    fetched: MemoryBudget
    shadows: MemoryBudget


@dataclass(frozen=True, slots=True, kw_only=True)
class Common:
    """What callers' answers and shadows have in common. `fetching` still wants its budget."""

    fetching: Callable[..., Fetching]
    unpacking: Unpacking
    engine: Engine
    sessions: Sessions
    tracer: Tracer

    def answering(self, fetched: MemoryBudget, metrics: ReceiverMetrics, offer: Offer) -> Answering:
        fetching = self.fetching(budget=fetched)
        return Answering(
            engine=self.engine,
            gathering=Gathering(fetching, self.unpacking, self.tracer, metrics),
            sessions=self.sessions,
            tracer=self.tracer,
            metrics=metrics,
            offer=offer,
        )


class Loaded(NamedTuple):
    answering: Answering
    shadowing: Shadowing


def new_session_id() -> SessionId:
    """Not to be guessed."""
    return SessionId(secrets.token_hex(16))


def open_sessions(settings: Settings, clock: Clock) -> Sessions:
    return Sessions(
        budget=MemoryBudget("session_bytes", settings.session_bytes),
        clock=clock,
        new_id=new_session_id,
    )


def budgets_of(settings: Settings, sessions: Sessions) -> Budgets:
    """Shadows have one of their own, so that no caller is refused for what they hold, and as large,
    so that what a call may fetch can be compared.
    """
    return Budgets(
        sessions=sessions.budget,
        fetched=MemoryBudget("fetch_bytes", settings.fetch_bytes),
        shadows=MemoryBudget("fetch_bytes", settings.fetch_bytes),
    )


def open_keys(settings: Settings) -> ReaderKeys:
    """Raises InvalidInput naming the file or the variable."""
    return ReaderKeys(
        rings=open_rings(settings.key_ring_file, settings.key_ring, f"{PREFIX}KEY_RING"),
        signers=open_signers(settings.trusted_signers_file),
        require_signature=settings.require_signature,
    )


async def load_resident(settings: Settings, worker: Worker) -> Resident:
    """On the worker's thread: while it loads, the event loop answers."""
    async with worker.turn() as turn:
        return await turn.run(
            partial(load, settings.model, settings.adapters, threads=settings.threads)
        )


def fidelity_of(resident: Resident, settings: Settings) -> Fidelity:
    """Its routes are the adapters that are held."""
    return Fidelity(
        [adapter.name for adapter in resident.adapters.values()],
        window=settings.shadow_window,
        demote_below=settings.demote_below,
    )


async def load_engine(settings: Settings, worker: Worker, telemetry: Telemetry) -> Computing:
    resident = await load_resident(settings, worker)
    metrics = ReceiverMetrics(telemetry.meter, model=resident.backbone.identity.name)
    engine = Engine(resident, worker, metrics, max_batch=settings.max_batch)
    await engine.warm_up()
    return Computing(resident, engine, metrics)


def observe(computing: Computing, budgets: Budgets, fidelity: Fidelity, meter: Meter) -> None:
    observe_memory(
        meter, computing.resident, budgets._asdict(), answers=lambda: computing.engine.cache_bytes
    )
    observe_routes(meter, fidelity)


async def load_answering(
    settings: Settings,
    worker: Worker,
    broker: BrokerClient,
    sessions: Sessions,
    telemetry: Telemetry,
    report: Report,
) -> Loaded:
    keys = open_keys(settings)
    computing = await load_engine(settings, worker, telemetry)
    fidelity = fidelity_of(computing.resident, settings)
    budgets = budgets_of(settings, sessions)
    observe(computing, budgets, fidelity, telemetry.meter)
    common = Common(
        fetching=partial(
            Fetching,
            broker=broker,
            reader=settings.name,
            fetch_seconds=settings.fetch_seconds,
            keys=keys,
        ),
        unpacking=Unpacking(computing.resident, fidelity),
        engine=computing.engine,
        sessions=sessions,
        tracer=telemetry.tracer,
    )
    silent = ReceiverMetrics(SILENT.meter, model=computing.resident.backbone.identity.name)
    shadowing = Shadowing(
        ask=common.answering(budgets.shadows, silent, offer_to_nobody).answer,
        share=settings.shadow_share,
        fidelity=fidelity,
        metrics=ShadowMetrics(telemetry.meter),
        tracer=telemetry.tracer,
        report=report,
    )
    served = common.answering(budgets.fetched, computing.metrics, shadowing.offer)
    return Loaded(served, shadowing)


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
