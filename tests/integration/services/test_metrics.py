"""What a handoff leaves in the metrics of its services."""

from collections.abc import Iterator

import pytest

from latentflow.calls import (
    LatentInput,
    OpenSessionCall,
    Prompt,
    ScoreCall,
    TextMeans,
)
from latentflow.errors import UnknownLatent
from latentflow.latent import new_latent_id
from latentflow.model.contexts import context_ids
from latentflow.model.footprint import cache_bytes
from latentflow.rpc import metric_names
from tests.integration.services.callers import TIMEOUT, inputs
from tests.integration.services.stack import running_stack
from tests.manual_clock import ManualClock
from tests.readings import Readings
from tests.tiny_pair import TinyPair

MEMO = "The vault code is 4471."
QUESTION = "What is the code?"
NOWHERE = new_latent_id(now_ms=1, entropy=bytes(10))


@pytest.fixture
def readings() -> Iterator[Readings]:
    readings = Readings()
    yield readings
    readings.telemetry.shutdown()


async def test_a_latent_is_weighed_where_it_is_published_and_where_it_arrives(
    pair: TinyPair, clock: ManualClock, readings: Readings
) -> None:
    async with running_stack(pair, clock, telemetry=readings.telemetry) as stack:
        latent_id = await stack.latent(MEMO)
        heard = await stack.ask(QUESTION, latent_id)
    (outcome,) = heard.outcomes
    size = outcome.wire_bytes
    assert readings.value(metric_names.LATENT_SIZE, latentflow_method="lcf-prefix") == size
    assert readings.value(metric_names.LATENT_SIZE, latentflow_outcome="latent") == size
    of_cache = cache_bytes(pair.sharer, len(context_ids(pair.sharer, MEMO)))
    assert readings.value(metric_names.CACHE_RATIO) == pytest.approx(size / of_cache)
    assert readings.value(metric_names.TEXT_RATIO) == pytest.approx(size / len(MEMO))
    io = metric_names.BROKER_IO
    assert readings.value(io, network_io_direction="receive") == size
    assert readings.value(io, network_io_direction="transmit") == size


async def test_an_answer_is_timed_and_its_tokens_counted(
    pair: TinyPair, clock: ManualClock, readings: Readings
) -> None:
    async with running_stack(pair, clock, telemetry=readings.telemetry) as stack:
        heard = await stack.ask(QUESTION, context=MEMO)
    usage, timings = heard.usage, heard.usage.timings
    before = timings.queue_seconds + timings.inject_seconds + timings.prefill_seconds
    first, later = metric_names.TIME_TO_FIRST_TOKEN, metric_names.TIME_PER_OUTPUT_TOKEN
    model = pair.receiver.identity.name
    assert readings.value(first, gen_ai_request_model=model) == pytest.approx(before, abs=1e-6)
    a_token = timings.decode_seconds / (usage.completion_tokens - 1)
    assert readings.value(later) == pytest.approx(a_token, abs=1e-6)
    assert readings.value(metric_names.PREFILL_TOKENS) == usage.prompt_tokens
    assert readings.value(metric_names.BATCH_SIZE) == 1


async def test_what_a_model_prefills_for_a_latent_is_counted(
    pair: TinyPair, clock: ManualClock, readings: Readings
) -> None:
    async with running_stack(pair, clock, telemetry=readings.telemetry) as stack:
        await stack.share(MEMO)
    tokens = len(context_ids(pair.sharer, MEMO))
    assert readings.value(metric_names.PREFILL_TOKENS) == tokens


async def test_what_a_session_has_read_is_counted_when_it_is_opened_and_not_again(
    pair: TinyPair, clock: ManualClock, readings: Readings
) -> None:
    async with running_stack(pair, clock, telemetry=readings.telemetry) as stack:
        latent_id = await stack.latent(MEMO)
        sharing = readings.value(metric_names.PREFILL_TOKENS)
        call = OpenSessionCall(inputs=inputs(latent_id), context=MEMO)
        session = await stack.receiver.open_session(call, timeout=TIMEOUT)
        opening = readings.value(metric_names.PREFILL_TOKENS) - sharing
        heard = await stack.ask_session(QUESTION, session.session_id)
    assert 0 < opening < heard.usage.prompt_tokens
    both = readings.value(metric_names.PREFILL_TOKENS) - sharing
    assert both == heard.usage.prompt_tokens


async def test_scores_count_the_prompt_and_the_options(
    pair: TinyPair, clock: ManualClock, readings: Readings
) -> None:
    async with running_stack(pair, clock, telemetry=readings.telemetry) as stack:
        heard = await stack.ask(QUESTION, context=MEMO)
        asked = heard.usage.prompt_tokens
        prompt = Prompt(question=QUESTION, context=MEMO)
        call = ScoreCall(prompt=prompt, options=(" 4471", " 9999 or so"))
        scored = await stack.receiver.score(call, timeout=TIMEOUT)
    options = sum(score.tokens for score in scored.scores)
    assert readings.value(metric_names.PREFILL_TOKENS) == asked + asked + options
    assert readings.count(metric_names.PREFILL_TOKENS) == 2


async def test_outcomes_are_counted_with_their_reason(
    pair: TinyPair, clock: ManualClock, readings: Readings
) -> None:
    async with running_stack(pair, clock, telemetry=readings.telemetry) as stack:
        latent_id = await stack.latent(MEMO)
        text = await stack.latent(MEMO, TextMeans(max_tokens=8))
        await stack.ask(QUESTION, latent_id)
        await stack.ask(QUESTION, LatentInput(latent_id=NOWHERE, fallback=text))
        with pytest.raises(UnknownLatent):
            await stack.ask(QUESTION, latent_id, NOWHERE)
    assert readings.value(metric_names.OUTCOMES, latentflow_outcome="latent") == 1
    for outcome in ("text-fallback", "failed"):
        why = {"latentflow_outcome": outcome, "latentflow_error_reason": "UNKNOWN_LATENT"}
        assert readings.value(metric_names.OUTCOMES, **why) == 1
    assert readings.value(metric_names.OUTCOMES) == 3
