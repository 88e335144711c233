"""Admission, cancellation, deadlines: who is refused, who leaves, and that nothing stays."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, aclosing, contextmanager

import pytest

from latentflow.calls import (
    GenerateCall,
    LatentMeans,
    OpenSessionCall,
    Prompt,
    Queued,
    Sampling,
    ScoreCall,
    ShareCall,
    ShareEvent,
    TokenText,
)
from latentflow.errors import ContextTooLong, DeadlineExpired, EmptyInput, Overloaded
from latentflow.relay import ListCall
from latentflow.rpc.worker import Worker
from tests.integration.services.callers import TIMEOUT, Stack, inputs
from tests.tiny_pair import POSITIONS

MEMO = "The vault code is 4471."
SHARE = ShareCall(context=MEMO, means=LatentMeans())
ASK = GenerateCall(prompt=Prompt(question="What is the code?"))
SCORE = ScoreCall(prompt=ASK.prompt, options=(" yes",))


@contextmanager
def full(worker: Worker) -> Iterator[None]:
    """Every place of a worker's queue taken."""
    with ExitStack() as places:
        try:
            while True:
                places.enter_context(worker.admit())
        except Overloaded:
            yield


async def test_a_full_sharer_refuses_with_a_delay_and_takes_calls_again(stack: Stack) -> None:
    with full(stack.sharer_worker), pytest.raises(Overloaded) as refusal:
        await stack.share(MEMO)
    assert refusal.value.resource == "queue"
    assert refusal.value.retry_after_seconds > 0
    assert await stack.latent(MEMO)


async def test_a_full_receiver_refuses_every_kind_of_work(stack: Stack) -> None:
    with full(stack.receiver_worker):
        with pytest.raises(Overloaded):
            await stack.generate(ASK)
        with pytest.raises(Overloaded):
            await stack.receiver.score(SCORE, timeout=TIMEOUT)
        with pytest.raises(Overloaded):
            await stack.receiver.open_session(OpenSessionCall(inputs=inputs()), timeout=TIMEOUT)
    assert (await stack.generate(ASK)).text


async def next_ahead(events: AsyncIterator[ShareEvent]) -> int:
    event = await asyncio.wait_for(anext(events), TIMEOUT)
    assert isinstance(event, Queued)
    return event.ahead


async def test_a_queued_share_that_is_cancelled_lets_the_next_up_and_publishes_nothing(
    stack: Stack,
) -> None:
    async with stack.sharer_worker.turn():
        leaver = stack.sharer.share(SHARE, timeout=TIMEOUT)
        assert await next_ahead(leaver) == 1
        stayer = stack.sharer.share(SHARE, timeout=TIMEOUT)
        assert await next_ahead(stayer) == 2
        await leaver.aclose()
        assert await next_ahead(stayer) == 1
    async with aclosing(stayer):
        rest = [event async for event in stayer]
    assert rest[0] == Queued(ahead=0)
    listed = await stack.admin.list_latents(ListCall(), timeout=TIMEOUT)
    assert len(listed.latents) == 1
    assert stack.sharer_worker.admitted == 0


async def test_a_question_that_is_cancelled_while_it_waits_gives_its_place_back(
    stack: Stack,
) -> None:
    async with stack.receiver_worker.turn():
        asking = asyncio.create_task(stack.generate(ASK))
        await stack.until(lambda: stack.receiver_worker.admitted == 1)
        asking.cancel()
        await stack.until(lambda: stack.receiver_worker.admitted == 0)
    assert (await stack.generate(ASK)).text


async def test_an_answer_that_is_cancelled_stops_and_the_next_is_answered(stack: Stack) -> None:
    long = GenerateCall(prompt=ASK.prompt, sampling=Sampling(max_tokens=1024, temperature=5.0))
    events = stack.receiver.generate(long, timeout=TIMEOUT)
    assert isinstance(await anext(events), TokenText)
    await events.aclose()
    await stack.until(lambda: stack.receiver_worker.admitted == 0)
    assert (await stack.generate(ASK)).text


async def test_a_call_ends_at_its_deadline_also_in_the_queue(stack: Stack) -> None:
    async with stack.sharer_worker.turn(), stack.receiver_worker.turn():
        with pytest.raises(DeadlineExpired):
            await drain(stack.sharer.share(SHARE, timeout=0.2))
        with pytest.raises(DeadlineExpired):
            await stack.receiver.score(SCORE, timeout=0.2)
        await stack.until(
            lambda: stack.sharer_worker.admitted == stack.receiver_worker.admitted == 0
        )


async def drain(events: AsyncIterator[ShareEvent]) -> None:
    async for _ in events:
        pass


async def test_a_prompt_beyond_the_window_is_refused_before_any_work(stack: Stack) -> None:
    with pytest.raises(ContextTooLong) as refusal:
        await stack.ask("x" * POSITIONS)
    assert (refusal.value.field, refusal.value.limit) == ("prompt", POSITIONS)
    with pytest.raises(ContextTooLong):
        await stack.ask("Who?", context="x" * POSITIONS)


async def test_an_empty_question_is_refused_by_the_server_too(stack: Stack) -> None:
    prompt = Prompt(question="x")
    object.__setattr__(prompt, "question", " ")
    with pytest.raises(EmptyInput) as refusal:
        await stack.generate(GenerateCall(prompt=prompt))
    assert refusal.value.field == "prompt.question"
