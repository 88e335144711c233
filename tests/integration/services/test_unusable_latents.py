"""A latent that can't be used fails the call with its own reason, or its fallback is read."""

import pytest

from latentflow.calls import (
    GenerateCall,
    LatentInput,
    LatentOutcome,
    OpenSessionCall,
    Prompt,
    ScoreCall,
    TextMeans,
)
from latentflow.errors import InvalidInput, LatentFlowError, LatentRevoked, UnknownLatent
from latentflow.latent import LatentId, Outcome
from latentflow.rpc.facts import class_of
from tests.integration.services.callers import TIMEOUT, Heard, Stack, inputs
from tests.integration.services.stack import running_stack
from tests.integration.services.unusable import UNUSABLE, Scene, Unusable, expired, unknown
from tests.manual_clock import ManualClock
from tests.tiny_pair import ADAPTER, TinyPair

MEMO = "The vault code is 4471."
QUESTION = "What is the code?"
EVERY_UNUSABLE = pytest.mark.parametrize("unusable", UNUSABLE.values(), ids=UNUSABLE.keys())


@pytest.fixture
def scene(stack: Stack, pair: TinyPair, clock: ManualClock) -> Scene:
    return Scene(stack=stack, pair=pair, clock=clock)


async def refused(stack: Stack, latent: LatentId | LatentInput) -> tuple[LatentFlowError, Heard]:
    heard = Heard()
    call = GenerateCall(prompt=Prompt(question=QUESTION), source=inputs(latent))
    with pytest.raises(LatentFlowError) as refusal:
        await stack.generate(call, heard)
    return refusal.value, heard


@EVERY_UNUSABLE
async def test_it_fails_with_its_own_reason_names_the_field_and_says_the_outcome(
    scene: Scene, unusable: Unusable
) -> None:
    latent_id = await unusable.make(scene)
    error, heard = await refused(scene.stack, latent_id)
    assert type(error) is unusable.error
    assert getattr(error, "field", "") == unusable.field
    (outcome,) = heard.outcomes
    assert (outcome.latent_id, outcome.outcome) == (latent_id, Outcome.FAILED)
    assert class_of(outcome.reason) is unusable.error
    assert heard.pieces == []


@EVERY_UNUSABLE
async def test_with_a_fallback_the_text_is_read_instead_and_the_reason_is_said(
    scene: Scene, unusable: Unusable
) -> None:
    written = await scene.stack.share(MEMO, TextMeans(max_tokens=8))
    text = written.latent.manifest.latent_id
    latent_id = await unusable.make(scene)
    heard = await scene.stack.ask(QUESTION, LatentInput(latent_id=latent_id, fallback=text))
    (outcome,) = heard.outcomes
    assert (outcome.latent_id, outcome.outcome) == (latent_id, Outcome.TEXT_FALLBACK)
    assert class_of(outcome.reason) is unusable.error
    assert outcome.wire_bytes > written.latent.payload_bytes
    assert heard.text == (await scene.stack.ask(QUESTION, text)).text
    assert heard.usage.latent_slots == 0


async def test_a_usable_latent_needs_no_fallback(scene: Scene) -> None:
    text = await scene.stack.latent(MEMO, TextMeans(max_tokens=8))
    shared = await scene.stack.share(MEMO)
    latent_id = shared.latent.manifest.latent_id
    heard = await scene.stack.ask(QUESTION, LatentInput(latent_id=latent_id, fallback=text))
    (outcome,) = heard.outcomes
    assert outcome == LatentOutcome(
        latent_id=latent_id,
        outcome=Outcome.LATENT,
        wire_bytes=outcome.wire_bytes,
        adapter=ADAPTER,
    )
    assert outcome.wire_bytes > shared.latent.payload_bytes


async def test_a_fallback_that_can_not_be_used_either_leaves_the_first_reason(
    scene: Scene,
) -> None:
    gone = await expired(scene)
    given = LatentInput(latent_id=gone, fallback=await unknown(scene))
    error, heard = await refused(scene.stack, given)
    assert type(error) is UNUSABLE["expired"].error
    assert heard.outcomes[0].outcome is Outcome.FAILED


async def test_another_latent_is_no_fallback(scene: Scene) -> None:
    given = LatentInput(latent_id=await unknown(scene), fallback=await scene.stack.latent(MEMO))
    error, _ = await refused(scene.stack, given)
    assert isinstance(error, UnknownLatent)


async def test_of_several_latents_the_unusable_one_is_named(scene: Scene) -> None:
    good, bad = await scene.stack.latent(MEMO), await unknown(scene)
    heard = Heard()
    call = GenerateCall(prompt=Prompt(question=QUESTION), source=inputs(good, bad))
    with pytest.raises(UnknownLatent):
        await scene.stack.generate(call, heard)
    assert [each.latent_id for each in heard.outcomes] == [bad]


async def test_score_and_sessions_fail_with_the_same_reason(scene: Scene) -> None:
    latent_id = await UNUSABLE["revoked"].make(scene)
    score = ScoreCall(prompt=Prompt(question=QUESTION), options=(" yes",), source=inputs(latent_id))
    with pytest.raises(LatentRevoked):
        await scene.stack.receiver.score(score, timeout=TIMEOUT)
    with pytest.raises(LatentRevoked):
        await scene.stack.receiver.open_session(
            OpenSessionCall(inputs=inputs(latent_id)), timeout=TIMEOUT
        )


async def test_a_latent_beyond_the_receivers_memory_is_refused_before_it_is_read(
    pair: TinyPair, clock: ManualClock
) -> None:
    async with running_stack(pair, clock, fetch_bytes=2000) as stack:
        large = await stack.latent(MEMO * 4)
        error, _ = await refused(stack, large)
        assert isinstance(error, InvalidInput)
        assert error.field == "fetch_bytes"
        assert (await stack.ask(QUESTION, await stack.latent("Hi."))).text
