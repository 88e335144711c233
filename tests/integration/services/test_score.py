"""Score gives the log-probabilities that one process gives."""

from pathlib import Path

import pytest

from latentflow.calls import LatentMeans, Prompt, ScoreCall
from latentflow.errors import ContextTooLong
from latentflow.latent import Outcome
from tests.integration.services.callers import TIMEOUT, Stack, inputs
from tests.integration.services.in_process import cache_of, scores, vectors_of
from tests.integration.services.stack import running_stack
from tests.manual_clock import ManualClock
from tests.tiny_pair import POSITIONS, TinyPair, write_tiny_pair

MEMO = "The vault code is 4471."
QUESTION = "What is the code?"
OPTIONS = (" 4471", " 9999", " in the old hall")


async def test_scores_over_a_latent_are_those_of_one_process(stack: Stack, pair: TinyPair) -> None:
    latent_id = await stack.latent(MEMO)
    call = ScoreCall(
        prompt=Prompt(question=QUESTION, context="Mine."),
        options=OPTIONS,
        source=inputs(latent_id),
    )
    scored = await stack.receiver.score(call, timeout=TIMEOUT)
    cache = cache_of(pair, [vectors_of(pair, MEMO, LatentMeans())], context="Mine.")
    for one, expected in zip(scored.scores, scores(pair, cache, QUESTION, OPTIONS), strict=True):
        assert one.log_probability == pytest.approx(expected.log_probability, abs=1e-4)
        assert one.tokens == expected.tokens
    (outcome,) = scored.outcomes
    assert (outcome.latent_id, outcome.outcome) == (latent_id, Outcome.LATENT)


async def test_options_beyond_the_window_are_refused(stack: Stack) -> None:
    call = ScoreCall(prompt=Prompt(question=QUESTION), options=("x" * POSITIONS,))
    with pytest.raises(ContextTooLong):
        await stack.receiver.score(call, timeout=TIMEOUT)


async def test_a_receiver_with_sliding_windows_scores_likewise(
    tmp_path: Path, clock: ManualClock
) -> None:
    pair = write_tiny_pair(tmp_path, "gemma3")
    async with running_stack(pair, clock) as stack:
        latent_id = await stack.latent(MEMO)
        prompt = Prompt(question=QUESTION)
        call = ScoreCall(prompt=prompt, options=OPTIONS, source=inputs(latent_id))
        scored = await stack.receiver.score(call, timeout=TIMEOUT)
    cache = cache_of(pair, [vectors_of(pair, MEMO, LatentMeans())])
    for one, expected in zip(scored.scores, scores(pair, cache, QUESTION, OPTIONS), strict=True):
        assert one.log_probability == pytest.approx(expected.log_probability, abs=1e-4)
