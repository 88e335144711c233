"""An evaluation through services comes to the same answers as one in a single process."""

from dataclasses import replace
from pathlib import Path

import pytest

from latentflow.client import LatentFlow
from latentflow.errors import InvalidInput, UnsupportedMethod
from latentflow.evaluation.arm_names import ArmName, parse_arms, parse_budget
from latentflow.evaluation.arms import Surroundings, build_arm, no_tuned_slots
from latentflow.evaluation.cases import Asked
from latentflow.evaluation.derangement import exchange
from latentflow.evaluation.handoff import Handoff
from latentflow.evaluation.measuring import Replies, measure
from latentflow.evaluation.served import Service, measure_served, require_served
from latentflow.latent import Method
from latentflow.model.prompt import PromptFormat
from tests.integration.services.callers import TIMEOUT
from tests.integration.services.stack import running_stack
from tests.manual_clock import ManualClock
from tests.tiny_adapters import write_tiny_adapter
from tests.tiny_pair import ADAPTER, TinyPair

CASES = [
    Asked(case_id="0", context="Bo has tins. They are red.", question="Who?", answers=("Bo",)),
    Asked(case_id="1", context="Al left at nine.", question="When?", answers=("nine",)),
    Asked(
        case_id="2",
        context="Cy is in.",
        receiver_context="Cy is a cat.",
        question="Is a cat in?",
        answers=("yes",),
    ),
]
OTHERS = exchange(CASES, seed=0)
ARMS = parse_arms(
    "alone,text-6,text-6-need,full-text,matched,matched-fp16,deranged,two-sharers",
    [parse_budget("1/4")],
)


@pytest.fixture
def asked_plainly(pair: TinyPair, tmp_path: Path) -> TinyPair:
    """With an adapter of the form in which a receiver asks when it has none."""
    folder = tmp_path / "adapters"
    digest = write_tiny_adapter(folder / ADAPTER, pair.sharer, pair.receiver, form=PromptFormat())
    return replace(pair, adapters=folder, digest=digest)


def handoff_of(pair: TinyPair) -> Handoff:
    return Handoff(
        sharer=pair.sharer,
        receiver=pair.receiver,
        encoder=pair.sharer_adapter(),
        decoder=pair.receiver_adapter(),
    )


def in_one_process(handoff: Handoff, arms: list[ArmName]) -> Replies:
    around = Surroundings(
        header=handoff.decoder.header, others=OTHERS, mean=None, tuned_slots=no_tuned_slots
    )
    return measure(handoff, [build_arm(arm, around) for arm in arms], CASES, timed=len(CASES))


async def test_services_give_the_same_answers_and_bytes(
    asked_plainly: TinyPair, clock: ManualClock
) -> None:
    handoff = handoff_of(asked_plainly)
    expected = in_one_process(handoff, ARMS)
    async with running_stack(asked_plainly, clock) as stack:
        service = Service(
            flow=LatentFlow(stack.sharer, stack.receiver),
            adapter=ADAPTER,
            header=handoff.decoder.header,
            timeout_seconds=TIMEOUT,
        )
        served = await measure_served(service, ARMS, CASES, OTHERS)
    for arm in ARMS:
        assert [reply.answer for reply in served[arm.text]] == [
            reply.answer for reply in expected[arm.text]
        ]
    for name in ("text-6", "matched", "matched@1/4", "matched-fp16", "two-sharers", "full-text"):
        assert [reply.wire_bytes for reply in served[name]] == [
            reply.wire_bytes for reply in expected[name]
        ]
    assert len({reply.answer for reply in served["matched"]}) > 1


def test_a_receiver_without_a_latent_asks_in_its_own_form(pair: TinyPair) -> None:
    header = pair.receiver_adapter().header
    require_served(parse_arms("matched,deranged", []), header)
    with pytest.raises(InvalidInput, match="arm alone"):
        require_served(parse_arms("matched,alone", []), header)


def test_a_method_that_no_service_hands_over_is_refused(pair: TinyPair) -> None:
    header = replace(pair.receiver_adapter().header, method=Method.LCF)
    with pytest.raises(UnsupportedMethod):
        require_served(parse_arms("matched", []), header)
