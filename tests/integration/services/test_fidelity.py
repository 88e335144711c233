"""The fidelity watch: what is compared, what a demotion changes and who sees it."""

import logging
from collections.abc import AsyncIterator, Iterator

import pytest
from grpc_health.v1.health_pb2 import HealthCheckResponse

from latentflow.answers import token_f1
from latentflow.calls import (
    LatentInput,
    OpenSessionCall,
    Prompt,
    Sampling,
    ScoreCall,
)
from latentflow.errors import RouteDemoted
from latentflow.latent import Outcome, new_latent_id
from latentflow.rpc import conventions, metric_names
from services.receiver.acceptance import resident_bytes
from tests.integration.rpc.spans import Spans
from tests.integration.services.callers import TIMEOUT, Stack, inputs
from tests.integration.services.watched import MEMO, QUESTION, WINDOW, Watched, watching
from tests.manual_clock import ManualClock
from tests.readings import Readings
from tests.tiny_pair import ADAPTER, TinyPair

NOWHERE = new_latent_id(now_ms=1, entropy=bytes(10))


@pytest.fixture
def readings() -> Iterator[Readings]:
    readings = Readings()
    yield readings
    readings.telemetry.shutdown()


@pytest.fixture
async def watched(pair: TinyPair, clock: ManualClock, readings: Readings) -> AsyncIterator[Watched]:
    async with watching(pair, clock, readings) as watched:
        yield watched


async def test_an_answer_by_latent_is_compared_with_the_one_by_text(watched: Watched) -> None:
    by_latent = await watched.compared()
    by_text = await watched.stack.ask(QUESTION, watched.text)
    assert by_latent.outcomes[0].adapter == ADAPTER
    assert by_text.outcomes[0].adapter == ""
    agreement = watched.readings.value(metric_names.AGREEMENT, latentflow_adapter=ADAPTER)
    assert agreement == token_f1(by_latent.text, [by_text.text]) < 1


async def test_a_route_that_disagrees_is_read_as_text_and_says_so(watched: Watched) -> None:
    await watched.demote()
    heard = await watched.ask()
    (outcome,) = heard.outcomes
    assert outcome.outcome is Outcome.TEXT_FALLBACK
    assert outcome.reason == "ROUTE_DEMOTED"
    assert heard.text == (await watched.stack.ask(QUESTION, watched.text)).text
    assert heard.usage.latent_slots == 0


async def test_a_demotion_is_seen_in_metrics_health_and_the_log(
    watched: Watched, caplog: pytest.LogCaptureFixture
) -> None:
    def demoted() -> float:
        return watched.readings.value(metric_names.ROUTE_DEMOTED, latentflow_adapter=ADAPTER)

    caplog.set_level(logging.INFO)
    serving, not_serving = HealthCheckResponse.SERVING, HealthCheckResponse.NOT_SERVING
    assert (demoted(), await watched.health(ADAPTER)) == (0, serving)
    await watched.demote()
    await watched.stack.until(lambda: conventions.ROUTE_DEMOTED in caplog.text)
    assert (demoted(), await watched.health(ADAPTER)) == (1, not_serving)
    await watched.recover()
    await watched.stack.until(lambda: conventions.ROUTE_RECOVERED in caplog.text)
    assert (demoted(), await watched.health(ADAPTER)) == (0, serving)
    assert MEMO not in caplog.text
    assert QUESTION not in caplog.text


async def test_a_route_recovers_when_its_latents_agree_again(watched: Watched) -> None:
    await watched.demote()
    await watched.recover()
    (outcome,) = (await watched.ask()).outcomes
    assert outcome.outcome is Outcome.LATENT


async def test_scores_and_sessions_go_by_texts_too_and_an_open_session_goes_on(
    watched: Watched,
) -> None:
    receiver, source = watched.stack.receiver, inputs(watched.given)
    session = await receiver.open_session(OpenSessionCall(inputs=source), timeout=TIMEOUT)
    before = await watched.stack.ask_session(QUESTION, session.session_id)
    await watched.demote()
    score = ScoreCall(prompt=Prompt(question=QUESTION), options=(" yes",), source=source)
    for said in (
        await receiver.score(score, timeout=TIMEOUT),
        await receiver.open_session(OpenSessionCall(inputs=source), timeout=TIMEOUT),
    ):
        assert [(each.outcome, each.reason) for each in said.outcomes] == [
            (Outcome.TEXT_FALLBACK, "ROUTE_DEMOTED")
        ]
    after = await watched.stack.ask_session(QUESTION, session.session_id)
    assert (after.text, after.usage.latent_slots) == (before.text, before.usage.latent_slots)


async def test_a_latent_without_a_text_is_read_whatever_the_watch_says(watched: Watched) -> None:
    await watched.demote()
    heard = await watched.stack.ask(QUESTION, watched.latent)
    assert heard.outcomes[0].outcome is Outcome.LATENT


async def test_a_demoted_latent_whose_text_is_gone_fails_with_that_reason(
    watched: Watched,
) -> None:
    await watched.demote()
    with pytest.raises(RouteDemoted, match=ADAPTER):
        await watched.stack.ask(QUESTION, LatentInput(latent_id=watched.latent, fallback=NOWHERE))


async def test_without_a_bound_agreement_is_told_and_nothing_demoted(
    pair: TinyPair, clock: ManualClock, readings: Readings
) -> None:
    async with watching(pair, clock, readings, demote_below=0.0) as watched:
        for _ in range(WINDOW + 1):
            assert (await watched.compared()).outcomes[0].outcome is Outcome.LATENT


async def test_what_can_not_be_compared_is_not(watched: Watched) -> None:
    stack = watched.stack
    await watched.ask(Sampling(max_tokens=4, temperature=1.0))
    await stack.ask(QUESTION, watched.latent)
    await stack.ask(QUESTION)
    await stack.ask(QUESTION, LatentInput(latent_id=NOWHERE, fallback=watched.text))
    await stack.ask(QUESTION, LatentInput(latent_id=watched.text, fallback=watched.text))
    await watched.compared()
    assert watched.comparisons() == 1
    assert watched.readings.value(metric_names.SHADOW_FAILURES) == 0


async def test_a_latent_in_a_texts_place_is_no_comparison(watched: Watched) -> None:
    other = await watched.stack.latent(MEMO)
    await watched.stack.ask(QUESTION, LatentInput(latent_id=watched.latent, fallback=other))
    await watched.compared()
    assert watched.comparisons() == 1


async def test_a_share_of_none_compares_nothing(
    pair: TinyPair, clock: ManualClock, readings: Readings
) -> None:
    async with watching(pair, clock, readings, share=0.0) as watched:
        for _ in range(3):
            await watched.ask()
        await watched.stack.until(lambda: watched.stack.receiver_worker.admitted == 0)
        assert watched.comparisons() == 0
        assert readings.count(metric_names.BATCH_SIZE) == 3


async def test_a_shadow_that_fails_is_counted_and_the_next_compared(watched: Watched) -> None:
    given = LatentInput(latent_id=watched.latent, fallback=NOWHERE)
    assert (await watched.stack.ask(QUESTION, given)).text
    unknown = {"latentflow_error_reason": "UNKNOWN_LATENT"}
    failures = metric_names.SHADOW_FAILURES
    await watched.stack.until(lambda: watched.readings.value(failures, **unknown) == 1)
    await watched.compared()


async def test_a_shadow_takes_no_callers_place(
    pair: TinyPair, clock: ManualClock, readings: Readings
) -> None:
    async with watching(pair, clock, readings, max_waiting=1) as watched:
        for _ in range(5):
            assert (await watched.ask()).text


async def test_a_route_recovers_by_whatever_latent_a_call_may_fetch(
    pair: TinyPair, clock: ManualClock, readings: Readings, stack: Stack
) -> None:
    enough = resident_bytes((await stack.share(MEMO)).latent.manifest)
    async with watching(pair, clock, readings, fetch_bytes=enough) as watched:
        await watched.demote()
        await watched.recover()
        assert (await watched.ask()).outcomes[0].outcome is Outcome.LATENT


async def test_what_a_shadow_fetches_takes_no_callers_memory(
    pair: TinyPair, clock: ManualClock, readings: Readings, stack: Stack
) -> None:
    manifest = (await stack.share(MEMO)).latent.manifest
    enough = resident_bytes(manifest)
    async with watching(pair, clock, readings, demote_below=0.0, fetch_bytes=enough) as watched:
        heard = [await watched.ask() for _ in range(5)]
    assert [each.outcomes[0].outcome for each in heard] == [Outcome.LATENT] * 5


async def test_shadows_are_in_no_figure_of_callers(watched: Watched) -> None:
    for _ in range(3):
        await watched.compared()
    assert watched.readings.count(metric_names.TIME_TO_FIRST_TOKEN) == 3
    assert watched.readings.value(metric_names.OUTCOMES) == 3


async def test_a_shadow_is_a_trace_of_its_own_with_a_link_to_the_call(
    pair: TinyPair, clock: ManualClock, readings: Readings
) -> None:
    with Spans() as spans:
        async with watching(pair, clock, readings, spans=spans) as watched:
            await watched.demote()
            await watched.stack.until(
                lambda: len([each for each in spans.all() if each.name == "shadow"]) == WINDOW
            )
        shadows = [span for span in spans.all() if span.name == "shadow"]
        calls = {
            span.context.span_id
            for span in spans.all()
            if span.name == "latentflow.v1.ReceiverService/Generate"
        }
    assert {shadow.links[0].context.span_id for shadow in shadows} == calls
    assert {shadow.parent for shadow in shadows} == {None}
    (event,) = shadows[-1].events
    assert event.name == conventions.ROUTE_DEMOTED
    assert dict(event.attributes or {})[conventions.ADAPTER] == ADAPTER
