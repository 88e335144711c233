"""While the broker is down calls may be retried; when it is back, nothing is lost."""

import pytest

from latentflow.calls import GenerateCall, Prompt
from latentflow.errors import BrokerUnavailable
from latentflow.latent import Outcome
from tests.integration.services.callers import Heard, Stack, inputs

MEMO = "The vault code is 4471."
QUESTION = "What is the code?"


async def test_a_share_can_be_repeated_when_the_broker_is_back(stack: Stack) -> None:
    await stack.broker.stop()
    with pytest.raises(BrokerUnavailable) as refusal:
        await stack.share(MEMO)
    assert refusal.value.retry_after_seconds > 0
    assert stack.sharer_worker.admitted == 0
    await stack.broker.start()
    assert await stack.latent(MEMO)


async def test_a_latent_outlives_the_broker_and_a_question_can_be_repeated(stack: Stack) -> None:
    latent_id = await stack.latent(MEMO)
    before = await stack.ask(QUESTION, latent_id)
    await stack.broker.stop()
    heard = Heard()
    call = GenerateCall(prompt=Prompt(question=QUESTION), source=inputs(latent_id))
    with pytest.raises(BrokerUnavailable):
        await stack.generate(call, heard)
    (outcome,) = heard.outcomes
    assert (outcome.outcome, outcome.reason) == (Outcome.FAILED, "BROKER_UNAVAILABLE")
    await stack.broker.start()
    assert (await stack.ask(QUESTION, latent_id)).text == before.text


async def test_alone_the_receiver_needs_no_broker(stack: Stack) -> None:
    await stack.broker.stop()
    assert (await stack.ask(QUESTION)).text
