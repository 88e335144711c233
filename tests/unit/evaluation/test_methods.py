"""Every method goes through the same arms; some have both models read one prompt."""

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest
import torch

from latentflow.evaluation.arm_names import parse_arm
from latentflow.evaluation.arms import Arm, Surroundings, build_arm, no_tuned_slots, sizes_of
from latentflow.evaluation.cases import Asked, shared
from latentflow.evaluation.controls import mean_slot
from latentflow.evaluation.derangement import exchange
from latentflow.evaluation.handoff import Handoff
from latentflow.evaluation.measuring import measure
from latentflow.evaluation.receiving import prepare
from latentflow.latent import Method
from latentflow.model.adapters import ADAPTER_FILE, load_receiver_adapter, load_sharer_adapter
from latentflow.quantisation import Quantisation
from tests.tiny_pair import TinyPair
from tests.tiny_residuals import write_tiny_residual

RESIDUAL = (Method.LCF, Method.LCF_X, Method.C2C)
OF_SHARED_CONTEXT = (Method.LCF, Method.C2C)
CASES = [
    Asked(case_id="0", context="Bo has tins. They are red.", question="Who?", answers=("Bo",)),
    Asked(case_id="1", context="Al left at nine.", question="When?", answers=("nine",)),
    Asked(case_id="2", context="Cy is in the hall now.", question="Where?", answers=("hall",)),
]


@pytest.fixture(scope="module", params=RESIDUAL, ids=str)
def residual(
    request: pytest.FixtureRequest, pair: TinyPair, tmp_path_factory: pytest.TempPathFactory
) -> Handoff:
    """A random adapter of each method, every gate open."""
    return handoff_of(pair, request.param, tmp_path_factory.mktemp(str(request.param)))


def handoff_of(pair: TinyPair, method: Method, folder: Path) -> Handoff:
    write_tiny_residual(folder, method, pair.sharer, pair.receiver)
    path = folder / ADAPTER_FILE
    return Handoff(
        sharer=pair.sharer,
        receiver=pair.receiver,
        encoder=load_sharer_adapter("tiny", path, pair.sharer),
        decoder=load_receiver_adapter("tiny", path, pair.receiver),
    )


def test_the_spans_of_a_case_are_what_an_lcf_x_summarises(pair: TinyPair, tmp_path: Path) -> None:
    handoff = handoff_of(pair, Method.LCF_X, tmp_path)
    cut = replace(CASES[0], spans=((0, 12), (13, 26)))
    (parcel,) = arms_of(handoff, "matched")[0].sending.send(handoff, [cut])
    assert parcel.latents[0].layout.slots == 2


def cases_of(handoff: Handoff) -> list[Asked]:
    return [shared(case) for case in CASES] if handoff.is_shared else CASES


def arms_of(handoff: Handoff, *names: str) -> list[Arm]:
    cases = cases_of(handoff)
    around = Surroundings(
        header=handoff.decoder.header,
        others=exchange(cases, seed=0),
        mean=mean_slot(handoff, [handoff.sharers_text(case) for case in cases]),
        tuned_slots=no_tuned_slots,
    )
    return [build_arm(parse_arm(name), around) for name in names]


def answers(handoff: Handoff, *names: str) -> dict[str, list[str]]:
    measured = measure(handoff, arms_of(handoff, *names), cases_of(handoff))
    return {name: [reply.answer for reply in measured[name]] for name in names}


def keys_of(handoff: Handoff, arm: Arm) -> torch.Tensor:
    """Of the receiver's last layer, before it answers the first case."""
    case = cases_of(handoff)[0]
    (parcel,) = arm.sending.send(handoff, [case])
    return prepare(handoff, case, parcel, arm.tuned).cache.keys[-1]


def test_the_receiver_reads_what_each_arm_sends(residual: Handoff) -> None:
    matched, *controls = arms_of(residual, "matched", "deranged", "zero", "constant")
    for control in controls:
        assert not torch.equal(keys_of(residual, matched), keys_of(residual, control))


def test_every_arm_answers_every_case(residual: Handoff) -> None:
    names = ("alone", "text-4", "full-text", "matched", "deranged", "zero", "constant")
    said = answers(residual, *names)
    assert {name: len(said[name]) for name in names} == dict.fromkeys(names, len(CASES))
    assert said["matched"] != said["alone"]


def test_only_methods_of_shared_context_have_one_prompt(residual: Handoff) -> None:
    method = residual.decoder.header.method
    assert residual.is_shared == (method in OF_SHARED_CONTEXT)
    question = CASES[0].question
    assert (question in residual.sharers_text(CASES[0])) == residual.is_shared


def test_where_the_prompt_is_shared_the_receiver_alone_reads_the_full_text(
    residual: Handoff,
) -> None:
    said = answers(residual, "alone", "full-text")
    assert (said["alone"] == said["full-text"]) == residual.is_shared


def test_a_budget_is_one_that_the_method_offers(residual: Handoff) -> None:
    header = residual.decoder.header
    sizes = sizes_of(header)
    assert [size.budget for size in sizes.values()] == list(residual.encoder.budgets)
    assert next(iter(sizes)) == Fraction(1)
    assert {size.quantisation for size in sizes.values()} == {Quantisation.INT8}


def test_a_shared_case_is_all_there_is_to_read_on_both_sides() -> None:
    split = replace(CASES[0], receiver_context="Al has none.", spans=((0, 3),))
    both = shared(split)
    assert both.context == both.receiver_context == "Bo has tins. They are red. Al has none."
    assert both.spans == ()
