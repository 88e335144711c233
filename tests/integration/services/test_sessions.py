"""Sessions: latents injected once, asked again and again, until closed or idle."""

import pytest

from latentflow.calls import (
    GenerateCall,
    OpenSessionCall,
    Prompt,
    ScoreCall,
    Session,
    SessionId,
)
from latentflow.errors import InvalidInput, Overloaded, UnknownSession
from latentflow.latent import LatentId, Outcome
from services.receiver.priming import Primer
from services.receiver.reading import Reading
from tests.integration.services.callers import TIMEOUT, Stack, inputs
from tests.integration.services.stack import running_stack
from tests.manual_clock import ManualClock
from tests.tiny_adapters import FORM
from tests.tiny_pair import TinyPair

MEMO = "The vault code is 4471."
QUESTION = "What is the code?"
OPTIONS = (" 4471", " 9999")


class Seconds:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


async def opened(
    stack: Stack, *latents: LatentId, context: str = "", idle_seconds: int = 300
) -> Session:
    call = OpenSessionCall(inputs=inputs(*latents), context=context, idle_seconds=idle_seconds)
    return await stack.receiver.open_session(call, timeout=TIMEOUT)


async def test_a_session_answers_like_a_call_with_its_latents_each_time(stack: Stack) -> None:
    shared = await stack.share(MEMO)
    latent_id = shared.latent.manifest.latent_id
    direct = await stack.ask(QUESTION, latent_id, context="My own.")
    session = await opened(stack, latent_id, context="My own.")
    for _ in range(2):
        heard = await stack.ask_session(QUESTION, session.session_id)
        assert heard.text == direct.text
        assert heard.usage.prompt_tokens == direct.usage.prompt_tokens
        assert heard.outcomes == []
    assert session.latent_slots == shared.latent.manifest.layout.slots
    assert [each.outcome for each in session.outcomes] == [Outcome.LATENT]


async def test_its_latents_stay_when_they_are_revoked_at_the_broker(stack: Stack) -> None:
    latent_id = await stack.latent(MEMO)
    direct = await stack.ask(QUESTION, latent_id)
    session = await opened(stack, latent_id)
    await stack.admin.revoke(latent_id, timeout=TIMEOUT)
    assert (await stack.ask_session(QUESTION, session.session_id)).text == direct.text


async def test_options_are_scored_over_a_session_as_over_its_latents(stack: Stack) -> None:
    latent_id = await stack.latent(MEMO)
    session = await opened(stack, latent_id)
    prompt = Prompt(question=QUESTION)
    over_session, over_latent = [
        await stack.receiver.score(
            ScoreCall(prompt=prompt, options=OPTIONS, source=source), timeout=TIMEOUT
        )
        for source in (session.session_id, inputs(latent_id))
    ]
    for one, other in zip(over_session.scores, over_latent.scores, strict=True):
        assert one.log_probability == pytest.approx(other.log_probability, abs=1e-4)


async def test_a_question_over_a_session_brings_no_context_of_its_own(stack: Stack) -> None:
    session = await opened(stack)
    prompt = Prompt(question=QUESTION, context="Another.")
    with pytest.raises(InvalidInput) as refusal:
        await stack.generate(GenerateCall(prompt=prompt, source=session.session_id))
    assert refusal.value.field == "prompt.context"


async def test_a_closed_session_is_unknown(stack: Stack) -> None:
    session = await opened(stack)
    await stack.receiver.close_session(session.session_id, timeout=TIMEOUT)
    with pytest.raises(UnknownSession) as refusal:
        await stack.ask_session(QUESTION, session.session_id)
    assert refusal.value.session_id == session.session_id
    with pytest.raises(UnknownSession):
        await stack.receiver.close_session(session.session_id, timeout=TIMEOUT)


async def test_a_session_that_never_was_is_unknown(stack: Stack) -> None:
    with pytest.raises(UnknownSession):
        await stack.ask_session(QUESTION, SessionId("nobody's"))


async def test_an_idle_session_ends_by_the_clock(pair: TinyPair, clock: ManualClock) -> None:
    seconds = Seconds()
    async with running_stack(pair, clock, seconds=seconds) as stack:
        session = await opened(stack, idle_seconds=10)
        seconds.now = 9
        await stack.ask_session(QUESTION, session.session_id)
        seconds.now = 18
        await stack.ask_session(QUESTION, session.session_id)
        seconds.now = 28
        with pytest.raises(UnknownSession):
            await stack.ask_session(QUESTION, session.session_id)


async def test_sessions_beyond_the_memory_are_refused_until_one_is_closed(
    pair: TinyPair, clock: ManualClock
) -> None:
    primer = Primer(pair.receiver)
    without_latent = primer.bytes_of(primer.plan(Reading(form=FORM, context="", parts=())))
    room = 2 * without_latent + without_latent // 2
    async with running_stack(pair, clock, seconds=Seconds(), session_bytes=room) as stack:
        latent_id = await stack.latent(".")
        first = await opened(stack, latent_id)
        await opened(stack, latent_id)
        with pytest.raises(Overloaded) as refusal:
            await opened(stack, latent_id)
        assert refusal.value.resource == "session_bytes"
        assert refusal.value.retry_after_seconds == 300
        await stack.receiver.close_session(first.session_id, timeout=TIMEOUT)
        assert await opened(stack, latent_id)
