"""The fidelity watch: some answers over latents are asked for again over texts, or the other way
round while their route is demoted, and both are compared.

Shadows are calls of the receiver to itself, one at a time, each behind what was asked before it.
They take no caller's place in the queue, and no call fails with one.
"""

import asyncio
import logging
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Protocol

from opentelemetry import trace

from latentflow.answers import token_f1
from latentflow.calls import GenerateCall, GenerateEvent, LatentInput, LatentInputs, LatentOutcome
from latentflow.errors import DeadlineExpired, InternalError, LatentFlowError, RouteDemoted
from latentflow.latent import Outcome, Tenant
from latentflow.rpc import conventions
from latentflow.rpc.auth_interceptor import acting_for
from latentflow.rpc.facts import reason_of
from latentflow.rpc.stages import Attributes, stage
from latentflow.rpc.told import Tell
from services.receiver.answer import Answered
from services.receiver.fidelity import Fidelity, Verdict
from services.receiver.metrics import ShadowMetrics

Ask = Callable[[Tenant, GenerateCall, Tell[GenerateEvent]], Awaitable[Answered]]


class Report(Protocol):
    """Tells health of a route, by its adapter's name: not serving while it is demoted."""

    async def __call__(self, detail: str, *, is_serving: bool) -> None: ...


_SHADOW_SECONDS = 60.0

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Shadow:
    """An answer that was given, and the call that goes the other way."""

    answered: Answered
    call: GenerateCall
    served: trace.SpanContext


class Shadowing:
    """Compares a share of the greedy answers whose latents all named a fallback and went one way.

    `ask` answers a shadow. While one is compared another may wait, and a third is let go.
    """

    def __init__(
        self,
        *,
        ask: Ask,
        share: float,
        fidelity: Fidelity,
        metrics: ShadowMetrics,
        tracer: trace.Tracer,
        report: Report,
    ) -> None:
        self._ask = ask
        self._share = share
        self._fidelity = fidelity
        self._metrics = metrics
        self._tracer = tracer
        self._report = report
        self._waiting = asyncio.Queue[_Shadow](maxsize=1)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Compares for as long as the block lasts; what is not compared by then never is."""
        for adapter in self._fidelity.adapters:
            await self._report(adapter, is_serving=True)
        running = asyncio.create_task(self._run())
        try:
            yield
        finally:
            running.cancel()
            await asyncio.wait({running})

    def offer(self, answered: Answered) -> None:
        """Called in the span of the call that was answered."""
        other = _other_way(answered)
        if other is None or self._waiting.full() or random.random() >= self._share:
            return
        self._waiting.put_nowait(
            _Shadow(
                answered=answered,
                call=replace(answered.call, source=other),
                served=trace.get_current_span().get_span_context(),
            )
        )

    async def _run(self) -> None:
        while True:
            shadow = await self._waiting.get()
            try:
                await self._compare(shadow)
            except LatentFlowError as error:
                self._metrics.failed(reason_of(error))
            except Exception:
                _log.exception("a shadow failed")
                self._metrics.failed(reason_of(InternalError()))

    async def _compare(self, shadow: _Shadow) -> None:
        with stage(self._tracer, conventions.SHADOW) as span:
            if shadow.served.is_valid:
                span.add_link(shadow.served)
            other = await self._answer(shadow)
            adapter = _route(shadow.answered, other)
            if adapter is None:
                return
            agreement = token_f1(other.text, [shadow.answered.text])
            self._metrics.compared(adapter, agreement)
            verdict = self._fidelity.hear(adapter, agreement)
            if verdict is not None:
                await self._tell(verdict, span)

    async def _answer(self, shadow: _Shadow) -> Answered:
        tenant = shadow.answered.tenant
        try:
            with acting_for(tenant):
                async with asyncio.timeout(_SHADOW_SECONDS):
                    return await self._ask(tenant, shadow.call, _to_nobody)
        except TimeoutError as error:
            raise DeadlineExpired() from error

    async def _tell(self, verdict: Verdict, span: trace.Span) -> None:
        name, log = (
            (conventions.ROUTE_DEMOTED, _log.warning)
            if verdict.is_demoted
            else (conventions.ROUTE_RECOVERED, _log.info)
        )
        log("%s: adapter %s, agreement %.2f", name, verdict.adapter, verdict.agreement)
        told: Attributes = {
            conventions.ADAPTER: verdict.adapter,
            conventions.AGREEMENT: verdict.agreement,
        }
        span.add_event(name, told)
        await self._report(verdict.adapter, is_serving=not verdict.is_demoted)


def _to_nobody(_event: GenerateEvent) -> None:
    """What a shadow says is compared at its end."""


def _other_way(answered: Answered) -> LatentInputs | None:
    """Texts in place of latents that were injected, latents in place of texts that a demotion put
    there; None where there is no other way, or where sampling would tell the answers apart.
    """
    source = answered.call.source
    if not isinstance(source, LatentInputs) or answered.call.sampling.temperature:
        return None
    if not answered.outcomes or any(each.fallback is None for each in source.latents):
        return None
    if all(each.outcome is Outcome.LATENT for each in answered.outcomes):
        ids = [each.fallback for each in source.latents]
    elif all(each.reason == _DEMOTED for each in answered.outcomes):
        ids = [each.latent_id for each in source.latents]
    else:
        return None
    return LatentInputs(latents=tuple(LatentInput(latent_id=each) for each in ids if each))


def _route(one: Answered, other: Answered) -> str | None:
    """The adapter that one answer went through and the other did not; None unless there is one."""
    adapters = _adapters(one.outcomes) ^ _adapters(other.outcomes)
    return adapters.pop() if len(adapters) == 1 else None


def _adapters(outcomes: tuple[LatentOutcome, ...]) -> set[str]:
    return {each.adapter for each in outcomes if each.adapter}


_DEMOTED = reason_of(RouteDemoted(adapter=""))
