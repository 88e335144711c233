"""What becomes of shadows that come too fast, hang or break."""

import asyncio
from collections.abc import Iterator

import pytest
from opentelemetry.trace import NoOpTracer

from latentflow.calls import (
    GenerateCall,
    GenerateEvent,
    LatentInput,
    LatentInputs,
    LatentOutcome,
    Prompt,
)
from latentflow.latent import Outcome, Tenant, new_latent_id
from latentflow.rpc import metric_names
from latentflow.rpc.auth_interceptor import DEFAULT_TENANT
from latentflow.rpc.told import Tell
from services.receiver import shadowing
from services.receiver.answer import Answered
from services.receiver.fidelity import Fidelity
from services.receiver.metrics import ShadowMetrics
from services.receiver.shadowing import Ask, Shadowing
from tests.readings import Readings

LATENT = new_latent_id(now_ms=1, entropy=bytes(10))
TEXT = new_latent_id(now_ms=2, entropy=bytes(10))
GIVEN = LatentInputs(latents=(LatentInput(latent_id=LATENT, fallback=TEXT),))
CALL = GenerateCall(prompt=Prompt(question="Who?"), source=GIVEN)
INJECTED = LatentOutcome(latent_id=LATENT, outcome=Outcome.LATENT, adapter="tiny")
ANSWERED = Answered(tenant=DEFAULT_TENANT, call=CALL, outcomes=(INJECTED,), text="Zoë")


@pytest.fixture
def readings() -> Iterator[Readings]:
    readings = Readings()
    yield readings
    readings.telemetry.shutdown()


async def report(detail: str, *, is_serving: bool) -> None:
    """Health is not asked here."""


def shadowing_by(ask: Ask, readings: Readings) -> Shadowing:
    return Shadowing(
        ask=ask,
        share=1.0,
        fidelity=Fidelity(["tiny"], window=1, demote_below=0.0),
        metrics=ShadowMetrics(readings.telemetry.meter),
        tracer=NoOpTracer(),
        report=report,
    )


class Asked:
    """Answers by text when it is told to, and notes what it was asked."""

    def __init__(self) -> None:
        self.calls = list[GenerateCall]()
        self.may_answer = asyncio.Event()

    async def __call__(
        self, tenant: Tenant, call: GenerateCall, _tell: Tell[GenerateEvent]
    ) -> Answered:
        self.calls.append(call)
        await self.may_answer.wait()
        read = LatentOutcome(latent_id=TEXT, outcome=Outcome.LATENT)
        return Answered(tenant=tenant, call=call, outcomes=(read,), text="Zoë")


async def settled() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


async def test_one_is_compared_one_waits_and_a_third_is_let_go(readings: Readings) -> None:
    asked = Asked()
    watch = shadowing_by(asked, readings)
    async with watch.running():
        for _ in range(3):
            watch.offer(ANSWERED)
            await settled()
        assert len(asked.calls) == 1
        asked.may_answer.set()
        await settled()
    assert [call.source for call in asked.calls] == [
        LatentInputs(latents=(LatentInput(latent_id=TEXT),))
    ] * 2
    assert readings.count(metric_names.AGREEMENT, latentflow_adapter="tiny") == 2
    assert readings.value(metric_names.AGREEMENT) == 2.0


async def test_a_shadow_that_hangs_ends_and_is_counted(
    readings: Readings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shadowing, "_SHADOW_SECONDS", 0.01)
    watch = shadowing_by(Asked(), readings)
    async with watch.running(), asyncio.timeout(30):
        watch.offer(ANSWERED)
        while not failures(readings, "DEADLINE_EXPIRED"):
            await settled()


async def test_a_shadow_that_breaks_is_logged_and_the_next_compared(
    readings: Readings, caplog: pytest.LogCaptureFixture
) -> None:
    asked = Asked()
    asked.may_answer.set()
    breaks = [True, False]

    async def ask(tenant: Tenant, call: GenerateCall, tell: Tell[GenerateEvent]) -> Answered:
        if breaks.pop(0):
            raise ZeroDivisionError
        return await asked(tenant, call, tell)

    watch = shadowing_by(ask, readings)
    async with watch.running():
        for _ in range(2):
            watch.offer(ANSWERED)
            await settled()
    assert failures(readings, "INTERNAL_ERROR") == 1
    assert "ZeroDivisionError" in caplog.text
    assert readings.count(metric_names.AGREEMENT) == 1


async def test_nothing_is_left_of_a_shadow_when_the_watch_ends(readings: Readings) -> None:
    ended = asyncio.Event()

    async def ask(_tenant: Tenant, _call: GenerateCall, _tell: Tell[GenerateEvent]) -> Answered:
        try:
            return await asyncio.Future()
        finally:
            ended.set()

    watch = shadowing_by(ask, readings)
    async with watch.running():
        watch.offer(ANSWERED)
        await settled()
    assert ended.is_set()


def failures(readings: Readings, reason: str) -> float:
    return readings.value(metric_names.SHADOW_FAILURES, latentflow_error_reason=reason)
