"""What answers calls, made from settings and a model: loaded, warmed up, observed, watched.

Knows no server: `__main__` puts it behind one.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

from opentelemetry.metrics import Meter
from opentelemetry.trace import Tracer

from latentflow.rpc.broker_client import BrokerClient
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
from services.receiver.sessions import Sessions
from services.receiver.settings import PREFIX, Settings
from services.receiver.shadowing import Report, Shadowing
from services.receiver.unpacking import Unpacking


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


def open_keys(settings: Settings) -> ReaderKeys:
    """Raises InvalidInput naming the file or the variable."""
    return ReaderKeys(
        rings=open_rings(settings.key_ring_file, settings.key_ring, f"{PREFIX}KEY_RING"),
        signers=open_signers(settings.trusted_signers_file),
        require_signature=settings.require_signature,
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
