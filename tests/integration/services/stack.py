"""Broker, sharer and receiver put together as their processes do it, on free ports of one process.

Owns how they are started and asked; what is right or wrong is the tests'.
"""

import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from opentelemetry.trace import NoOpTracer, Tracer

import services.receiver.__main__ as receiver_process
import services.sharer.__main__ as sharer_process
from latentflow.calls import (
    GenerateCall,
    LatentInput,
    LatentInputs,
    LatentMeans,
    LatentOutcome,
    Prompt,
    Sampling,
    SessionId,
    ShareCall,
    Shared,
    TextMeans,
    TokenText,
    Usage,
)
from latentflow.latent import LatentId
from latentflow.rpc.broker_client import BrokerClient
from latentflow.rpc.channel import open_channel
from latentflow.rpc.deadline import RetryPolicy
from latentflow.rpc.receiver_client import ReceiverClient
from latentflow.rpc.server import RunningServer
from latentflow.rpc.sharer_client import SharerClient
from latentflow.rpc.worker import Worker
from services.broker.__main__ import Stores, build, build_servicer, open_stores
from services.broker.settings import Settings as BrokerSettings
from services.receiver.settings import Settings as ReceiverSettings
from services.sharer.settings import Settings as SharerSettings
from tests.manual_clock import ManualClock
from tests.tiny_pair import TinyPair

TIMEOUT = 30.0
# A test that breaks the broker wants to hear so soon.
IMPATIENT = RetryPolicy(attempts=2)
SAMPLING = Sampling(max_tokens=12)


class Broker:
    """A broker whose store outlives its server, so that it can be down and come back."""

    def __init__(self, stores: Stores, settings: BrokerSettings, clock: ManualClock) -> None:
        self.stores = stores
        self._settings = settings
        self._clock = clock
        self._server: RunningServer | None = None

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self._settings.port}"

    async def start(self) -> None:
        """On a free port at first, on the same one later."""
        servicer = build_servicer(self._settings, self.stores, self._clock)
        self._server = build(self._settings, servicer, NoOpTracer())
        self._settings = replace(self._settings, port=self._server.port)
        await self._server.start()

    async def stop(self) -> None:
        if self._server is not None:
            await self._server.drain()
            self._server = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """What a Generate said."""

    outcomes: list[LatentOutcome] = field(default_factory=list)
    pieces: list[str] = field(default_factory=list)
    usages: list[Usage] = field(default_factory=list)

    @property
    def text(self) -> str:
        return "".join(self.pieces)

    @property
    def usage(self) -> Usage:
        (usage,) = self.usages
        return usage


@dataclass(frozen=True, slots=True, kw_only=True)
class Stack:
    """The services, their clients, and the worker of each, which a test may hold."""

    broker: Broker
    sharer_worker: Worker
    receiver_worker: Worker
    broker_client: BrokerClient
    sharer: SharerClient
    receiver: ReceiverClient

    async def share(self, context: str, means: LatentMeans | TextMeans | None = None) -> Shared:
        call = ShareCall(context=context, means=means or LatentMeans())
        events = [event async for event in self.sharer.share(call, timeout=TIMEOUT)]
        assert isinstance(events[-1], Shared)
        return events[-1]

    async def latent(self, context: str, means: LatentMeans | TextMeans | None = None) -> LatentId:
        return (await self.share(context, means)).latent.manifest.latent_id

    async def ask(
        self,
        question: str,
        *latents: LatentId | LatentInput,
        context: str = "",
        sampling: Sampling = SAMPLING,
    ) -> Heard:
        return await self.generate(
            GenerateCall(
                prompt=Prompt(question=question, context=context),
                source=inputs(*latents),
                sampling=sampling,
            )
        )

    async def ask_session(self, question: str, session: SessionId) -> Heard:
        prompt = Prompt(question=question)
        return await self.generate(GenerateCall(prompt=prompt, source=session, sampling=SAMPLING))

    async def generate(self, call: GenerateCall, heard: Heard | None = None) -> Heard:
        """`heard` keeps what came before an error."""
        heard = heard or Heard()
        async for event in self.receiver.generate(call, timeout=TIMEOUT):
            match event:
                case LatentOutcome():
                    heard.outcomes.append(event)
                case TokenText():
                    heard.pieces.append(event.text)
                case Usage():
                    heard.usages.append(event)
        return heard


def inputs(*latents: LatentId | LatentInput) -> LatentInputs:
    return LatentInputs(
        latents=tuple(
            each if isinstance(each, LatentInput) else LatentInput(latent_id=each)
            for each in latents
        )
    )


# Readers look at the clock often, so that a test which moves it need not wait.
BROKER = BrokerSettings(port=0, store_url="memory:", longest_wait_seconds=0.05, grace_seconds=0.2)


@asynccontextmanager
async def running_broker(
    clock: ManualClock, *, memory_bytes: int = BROKER.memory_bytes
) -> AsyncIterator[Broker]:
    settings = replace(BROKER, memory_bytes=memory_bytes)
    async with open_stores(settings, clock) as stores, broker_over(stores, clock) as broker:
        yield broker


@asynccontextmanager
async def broker_over(stores: Stores, clock: ManualClock) -> AsyncIterator[Broker]:
    broker = Broker(stores, BROKER, clock)
    await broker.start()
    try:
        yield broker
    finally:
        await broker.stop()


@asynccontextmanager
async def running_stack(
    pair: TinyPair,
    clock: ManualClock,
    *,
    tracer: Tracer | None = None,
    seconds: Callable[[], float] = time.monotonic,
    store_bytes: int = BROKER.memory_bytes,
    **receiver_options: Any,
) -> AsyncIterator[Stack]:
    """All three. `seconds` is the clock of the receiver's sessions."""
    traced = tracer or NoOpTracer()
    async with AsyncExitStack() as parts:
        broker = await parts.enter_async_context(running_broker(clock, memory_bytes=store_bytes))
        sharer = await parts.enter_async_context(
            sharer_process.running(
                sharer_settings(pair, broker), clock_ms=clock, retry=IMPATIENT, tracer=traced
            )
        )
        settings = replace(receiver_settings(pair, broker), **receiver_options)
        receiver = await parts.enter_async_context(
            receiver_process.running(settings, clock=seconds, retry=IMPATIENT, tracer=traced)
        )
        channels = [
            await parts.enter_async_context(open_channel(address))
            for address in (broker.address, local(sharer.server), local(receiver.server))
        ]
        yield Stack(
            broker=broker,
            sharer_worker=sharer.worker,
            receiver_worker=receiver.worker,
            broker_client=BrokerClient(channels[0]),
            sharer=SharerClient(channels[1]),
            receiver=ReceiverClient(channels[2]),
        )


def local(server: RunningServer) -> str:
    return f"127.0.0.1:{server.port}"


def sharer_settings(pair: TinyPair, broker: Broker) -> SharerSettings:
    return SharerSettings(
        model=pair.sharer_folder,
        adapters=pair.adapters,
        broker=broker.address,
        port=0,
        grace_seconds=0.2,
    )


def receiver_settings(pair: TinyPair, broker: Broker) -> ReceiverSettings:
    return ReceiverSettings(
        model=pair.receiver_folder,
        adapters=pair.adapters,
        broker=broker.address,
        port=0,
        grace_seconds=0.2,
    )
