"""A handoff through three services answers exactly as the same handoff in one process."""

import asyncio

import pytest

from latentflow.calls import LatentMeans, Sampling, TextMeans
from latentflow.latent import Outcome
from latentflow.model.prompt import PromptFormat
from latentflow.quantisation import Quantisation
from latentflow.vectors import Vectors
from latentflow.wire.text import read_text
from tests.integration.services.callers import TIMEOUT, Stack
from tests.integration.services.in_process import answer, cache_of, vectors_of
from tests.tiny_pair import TinyPair

MEMO = "The vault code is 4471. Dana keeps the key."
OTHER = "Lunch is at noon today, in the old hall."
QUESTION = "What is the code?"
PLAIN = PromptFormat()


@pytest.mark.parametrize(
    "means",
    [
        LatentMeans(),
        LatentMeans(quantisation=Quantisation.GRADED2),
        LatentMeans(quantisation=Quantisation.FLOAT16),
        LatentMeans(quantisation=Quantisation.BFLOAT16),
    ],
    ids=str,
)
async def test_the_answer_over_a_latent_is_that_of_one_process(
    stack: Stack, pair: TinyPair, means: LatentMeans
) -> None:
    heard = await stack.ask(QUESTION, await stack.latent(MEMO, means))
    expected = answer(pair, cache_of(pair, [vectors_of(pair, MEMO, means)]), QUESTION)
    assert heard.text == expected


async def test_another_contexts_latent_gives_another_answer(stack: Stack) -> None:
    heard = await stack.ask(QUESTION, await stack.latent(MEMO))
    other = await stack.ask(QUESTION, await stack.latent(OTHER))
    alone = await stack.ask(QUESTION)
    assert len({heard.text, other.text, alone.text}) == 3


async def test_alone_is_a_prompt_without_a_message(stack: Stack, pair: TinyPair) -> None:
    heard = await stack.ask(QUESTION)
    assert heard.text == answer(pair, cache_of(pair, [], form=PLAIN), QUESTION, form=PLAIN)
    assert (heard.outcomes, heard.usage.latent_slots) == ([], 0)


async def test_the_receivers_own_context_comes_before_the_latent(
    stack: Stack, pair: TinyPair
) -> None:
    heard = await stack.ask(QUESTION, await stack.latent(MEMO), context=OTHER)
    vectors = vectors_of(pair, MEMO, LatentMeans())
    assert heard.text == answer(pair, cache_of(pair, [vectors], context=OTHER), QUESTION)


async def test_a_written_message_is_read_as_text(stack: Stack, pair: TinyPair) -> None:
    latent_id = await stack.latent(MEMO, TextMeans(max_tokens=8))
    message = read_text((await stack.broker_client.fetch(latent_id, timeout=TIMEOUT)).stream)
    heard = await stack.ask(QUESTION, latent_id)
    cache = cache_of(pair, [message], form=PLAIN)
    assert heard.text == answer(pair, cache, QUESTION, form=PLAIN)
    assert heard.outcomes[0].outcome is Outcome.LATENT


async def test_latents_and_messages_are_read_in_the_order_given(
    stack: Stack, pair: TinyPair
) -> None:
    written = await stack.latent(MEMO, TextMeans(max_tokens=8))
    message = read_text((await stack.broker_client.fetch(written, timeout=TIMEOUT)).stream)
    first, second = await stack.latent(MEMO), await stack.latent(OTHER)
    heard = await stack.ask(QUESTION, second, written, first)
    parts: list[Vectors | str] = [
        vectors_of(pair, OTHER, LatentMeans()),
        message,
        vectors_of(pair, MEMO, LatentMeans()),
    ]
    assert heard.text == answer(pair, cache_of(pair, parts), QUESTION)
    assert [each.latent_id for each in heard.outcomes] == [second, written, first]
    turned = await stack.ask(QUESTION, first, written, second)
    assert turned.text == answer(pair, cache_of(pair, parts[::-1]), QUESTION) != heard.text


async def test_a_sampled_answer_is_that_of_its_seed(stack: Stack, pair: TinyPair) -> None:
    latent_id = await stack.latent(MEMO)
    cache = cache_of(pair, [vectors_of(pair, MEMO, LatentMeans())])
    for seed in (1, 2):
        sampling = Sampling(max_tokens=8, temperature=1.0, seed=seed)
        heard = await stack.ask(QUESTION, latent_id, sampling=sampling)
        assert heard.text == answer(pair, cache, QUESTION, sampling=sampling)


async def test_questions_asked_at_once_are_answered_as_if_alone(stack: Stack) -> None:
    memo, other = await stack.latent(MEMO), await stack.latent(OTHER)
    asked = [(QUESTION, memo), ("When is lunch, and where?", other), ("Who?", memo)]
    alone = [(await stack.ask(question, latent)).text for question, latent in asked]
    together = await asyncio.gather(*(stack.ask(question, latent) for question, latent in asked))
    assert [heard.text for heard in together] == alone
    assert len(set(alone)) == 3


async def test_the_usage_counts_tokens_slots_and_seconds(stack: Stack, pair: TinyPair) -> None:
    shared = await stack.share(MEMO, LatentMeans(quantisation=Quantisation.GRADED2))
    heard = await stack.ask(QUESTION, shared.latent.manifest.latent_id)
    usage = heard.usage
    assert usage.latent_slots == shared.latent.manifest.layout.slots
    assert usage.completion_tokens == len(heard.pieces)
    cache = cache_of(pair, [vectors_of(pair, MEMO, LatentMeans(quantisation=Quantisation.GRADED2))])
    question = len(pair.receiver.tokenizer("\nQuestion: What is the code?\nAnswer:")["input_ids"])
    assert usage.prompt_tokens == int(cache.lengths) - usage.latent_slots + question
    timings = usage.timings
    assert min(timings.fetch_seconds, timings.inject_seconds, timings.prefill_seconds) > 0
    assert timings.queue_seconds >= 0
    assert timings.decode_seconds > 0
