"""A stack whose answers the fidelity watch compares, for the tests of what comes of it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import grpc
from grpc_health.v1.health_pb2 import HealthCheckRequest
from grpc_health.v1.health_pb2_grpc import HealthStub

from latentflow.calls import LatentInput, Sampling, TextMeans
from latentflow.latent import LatentId, Outcome
from latentflow.rpc import metric_names
from latentflow.rpc.telemetry import SILENT, Telemetry
from services.receiver.servicer import SERVICE
from tests.integration.rpc.spans import Spans
from tests.integration.services.callers import SAMPLING, TIMEOUT, Heard, Stack
from tests.integration.services.stack import running_stack
from tests.manual_clock import ManualClock
from tests.readings import Readings
from tests.tiny_pair import ADAPTER, TinyPair

MEMO = "The vault code is 4471."
QUESTION = "What is the code?"
WINDOW = 2


class Watched:
    """A stack whose every answer is to be compared, and one latent with its text."""

    def __init__(self, stack: Stack, readings: Readings, latent: LatentId, text: LatentId) -> None:
        self.stack = stack
        self.readings = readings
        self.latent = latent
        self.text = text
        self.given = LatentInput(latent_id=latent, fallback=text)

    async def ask(self, sampling: Sampling = SAMPLING) -> Heard:
        return await self.stack.ask(QUESTION, self.given, sampling=sampling)

    async def compared(self, sampling: Sampling = SAMPLING) -> Heard:
        """Asks, and waits for the comparison."""
        before = self.comparisons()
        heard = await self.ask(sampling)
        await self.stack.until(lambda: self.comparisons() > before)
        return heard

    def comparisons(self) -> int:
        return self.readings.count(metric_names.AGREEMENT, latentflow_adapter=ADAPTER)

    async def agreeing(self) -> Sampling:
        """Both answers empty, as they stop where they begin."""
        answers = [await self.stack.ask(QUESTION, each) for each in (self.latent, self.text)]
        return replace(SAMPLING, stop=tuple(answer.text[:1] for answer in answers))

    async def demote(self) -> None:
        for _ in range(WINDOW):
            assert (await self.compared()).outcomes[0].outcome is Outcome.LATENT

    async def recover(self) -> None:
        agreeing = await self.agreeing()
        for _ in range(WINDOW):
            assert (await self.compared(agreeing)).outcomes[0].outcome is Outcome.TEXT_FALLBACK

    async def health(self, detail: str) -> int:
        async with grpc.aio.insecure_channel(self.stack.receiver_address) as channel:
            stub: Any = HealthStub(channel)
            request = HealthCheckRequest(service=f"{SERVICE}/{detail}")
            answer = await stub.Check(request, timeout=TIMEOUT)
        return int(answer.status)


@asynccontextmanager
async def watching(
    pair: TinyPair,
    clock: ManualClock,
    readings: Readings,
    *,
    spans: Spans | None = None,
    share: float = 1.0,
    demote_below: float = 1.0,
    **options: Any,
) -> AsyncIterator[Watched]:
    traced = spans.telemetry if spans else SILENT
    telemetry = Telemetry(meter=readings.telemetry.meter, tracer=traced.tracer)
    async with running_stack(
        pair,
        clock,
        telemetry=telemetry,
        shadow_share=share,
        shadow_window=WINDOW,
        demote_below=demote_below,
        **options,
    ) as stack:
        latent = await stack.latent(MEMO)
        text = await stack.latent(MEMO, TextMeans(max_tokens=8))
        yield Watched(stack, readings, latent, text)
