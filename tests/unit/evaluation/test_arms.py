"""What each arm hands to the receiver. The models are random: answers differ, and mean nothing."""

from dataclasses import replace

import pytest
import torch

from latentflow.errors import InvalidInput
from latentflow.evaluation.arm_names import parse_arm
from latentflow.evaluation.arms import Arm, Surroundings, build_arm, no_tuned_slots, size_of
from latentflow.evaluation.cases import Asked
from latentflow.evaluation.controls import mean_slot, slots_of
from latentflow.evaluation.derangement import exchange
from latentflow.evaluation.handoff import Handoff
from latentflow.evaluation.measuring import Reply, measure
from latentflow.evaluation.sending import Parcel, summarise
from latentflow.model.capture import KVCache
from latentflow.quantisation import MEAN_BITS

CASES = [
    Asked(case_id=str(number), context=context, question=question, answers=(f"a{number}",))
    for number, (context, question) in enumerate(
        [
            ("The tin is in the hall. Bo has it.", "Who has the tin?"),
            ("Al left at nine. He took the early bus to the lake.", "When?"),
            ("Cy", "What is the name of the person who is mentioned?"),
        ]
    )
]
LONGEST_TOKEN = len(" the")


def around(handoff: Handoff) -> Surroundings:
    return Surroundings(
        header=handoff.decoder.header,
        others=exchange(CASES, seed=0),
        mean=mean_slot(handoff, [case.context for case in CASES]),
        tuned_slots=lambda _arm: slots_of_text(handoff),
    )


def slots_of_text(handoff: Handoff) -> KVCache:
    """Any slots at all, one row."""
    return handoff.decoder.translate(summarise(handoff, "in front of it"))


def arm(handoff: Handoff, name: str) -> Arm:
    return build_arm(parse_arm(name), around(handoff))


def parcel(handoff: Handoff, name: str, case: Asked = CASES[0]) -> Parcel:
    (sent,) = arm(handoff, name).sending.send(handoff, [case])
    return sent


def replies(handoff: Handoff, name: str, *cases: Asked) -> list[Reply]:
    return list(measure(handoff, [arm(handoff, name)], cases or CASES)[name])


def answers(handoff: Handoff, name: str, *cases: Asked) -> list[str]:
    return [reply.answer for reply in replies(handoff, name, *cases)]


def test_alone_the_receiver_does_not_know_the_context(handoff: Handoff) -> None:
    other = replace(CASES[0], context="something else")
    assert answers(handoff, "alone", CASES[0]) == answers(handoff, "alone", other)
    assert answers(handoff, "full-text", CASES[0]) != answers(handoff, "full-text", other)
    assert parcel(handoff, "alone") == Parcel()


def test_the_full_text_is_the_context_as_it_crossed_the_wire(handoff: Handoff) -> None:
    sent = parcel(handoff, "full-text")
    assert sent.text == CASES[0].context
    assert 0 < sent.wire_bytes < 2 * len(CASES[0].context)


def test_reading_the_context_is_the_same_as_having_it_for_oneself(handoff: Handoff) -> None:
    own = replace(CASES[0], receiver_context=CASES[0].context)
    assert answers(handoff, "alone", own) == answers(handoff, "full-text", CASES[0])


def test_the_receivers_own_context_stands_in_front_of_the_latent(handoff: Handoff) -> None:
    own = replace(CASES[0], receiver_context="Di knows more.")
    assert answers(handoff, "matched", own) != answers(handoff, "matched", CASES[0])
    assert parcel(handoff, "matched", own) == parcel(handoff, "matched", CASES[0])


def test_a_message_is_no_longer_than_asked_for(handoff: Handoff) -> None:
    short, long = (parcel(handoff, name).text for name in ("text-4", "text-32"))
    assert 0 < len(short) <= 4 * LONGEST_TOKEN < len(long)


def test_the_sharer_sees_the_question_only_when_it_is_said_so(handoff: Handoff) -> None:
    asked = replace(CASES[0], question="Which colour has the hall?")
    assert parcel(handoff, "text-16", asked) == parcel(handoff, "text-16")
    assert parcel(handoff, "text-16-need", asked) != parcel(handoff, "text-16-need")


def test_a_latent_is_the_sharers_alone(handoff: Handoff) -> None:
    asked = replace(CASES[0], question="Which colour?", answers=("red",))
    assert parcel(handoff, "matched", asked) == parcel(handoff, "matched")


def test_a_deranged_latent_is_the_other_cases(handoff: Handoff) -> None:
    other = exchange(CASES, seed=0)[CASES[0]]
    assert parcel(handoff, "deranged") == parcel(handoff, "matched", other)
    assert parcel(handoff, "deranged") != parcel(handoff, "matched")


def test_a_latent_of_zeros_has_the_cases_shape(handoff: Handoff) -> None:
    (zeros,), (latent,) = (parcel(handoff, name).latents for name in ("zero", "matched"))
    assert zeros.layout == latent.layout
    assert not any(zeros.values)


def test_a_constant_latent_is_the_mean_slot_in_every_slot(handoff: Handoff) -> None:
    (constant,), (latent,) = (parcel(handoff, name).latents for name in ("constant", "matched"))
    assert constant.layout == latent.layout
    slots = slots_of(constant)
    assert (slots == slots[0]).all()
    every = [slots_of(summarise(handoff, case.context)) for case in CASES]
    expected = sum(each.sum(axis=0) for each in every) / sum(map(len, every))
    assert slots[0] == pytest.approx(expected, abs=float(abs(expected).max()) / 100)


def test_constant_and_zero_say_the_same_of_contexts_of_one_length(handoff: Handoff) -> None:
    swapped = replace(CASES[0], context="The hall is in the tin. Bo has it.")
    assert parcel(handoff, "matched") != parcel(handoff, "matched", swapped)
    for name in ("zero", "constant"):
        assert parcel(handoff, name) == parcel(handoff, name, swapped)


def test_a_budget_is_a_share_of_the_bits_of_each_number(handoff: Handoff) -> None:
    whole, half, quarter, eighth = (
        size_of(handoff.decoder.header, parse_arm(name)).quantisation
        for name in ("matched", "matched@1/2", "matched@1/4", "matched@1/8")
    )
    assert [MEAN_BITS[each] for each in (whole, half, quarter, eighth)] == [8, 4, 2, 1]
    sent = [parcel(handoff, name) for name in ("matched", "matched@1/4")]
    assert sent[0].latents[0].layout == sent[1].latents[0].layout
    assert sent[1].wire_bytes < 0.5 * sent[0].wire_bytes


def test_a_control_says_nothing_in_fewer_bits_either(handoff: Handoff) -> None:
    (zeros,) = parcel(handoff, "zero@1/4").latents
    assert not any(zeros.values)
    slots = slots_of(parcel(handoff, "constant@1/4").latents[0])
    assert (slots == slots_of(parcel(handoff, "constant").latents[0])).all()


def test_fewer_bits_are_not_asked_for_in_half_precision(handoff: Handoff) -> None:
    with pytest.raises(InvalidInput, match="fewer bits"):
        size_of(handoff.decoder.header, parse_arm("matched-fp16@1/4"))


def test_int8_is_half_of_float16_and_says_nearly_the_same(handoff: Handoff) -> None:
    small, large = parcel(handoff, "matched"), parcel(handoff, "matched-fp16")
    assert small.wire_bytes < 0.8 * large.wire_bytes
    exact = slots_of(large.latents[0])
    assert slots_of(small.latents[0]) == pytest.approx(exact, abs=float(abs(exact).max()) / 100)


def test_two_sharers_send_a_latent_each(handoff: Handoff) -> None:
    sent = parcel(handoff, "two-sharers")
    halves = [
        parcel(handoff, "matched", replace(CASES[0], context=half))
        for half in ("The tin is in the hall.", "Bo has it.")
    ]
    assert sent.latents == (halves[0].latents[0], halves[1].latents[0])
    assert sent.wire_bytes == halves[0].wire_bytes + halves[1].wire_bytes


def test_a_tuned_prefix_stands_in_front_of_the_text(handoff: Handoff) -> None:
    assert answers(handoff, "full-text-tuned") != answers(handoff, "full-text")
    assert parcel(handoff, "full-text-tuned") == parcel(handoff, "full-text")


def test_a_tuned_arm_needs_a_trained_prefix(handoff: Handoff) -> None:
    without = replace(around(handoff), tuned_slots=no_tuned_slots)
    with pytest.raises(InvalidInput, match="--tuned"):
        build_arm(parse_arm("text-64-tuned"), without)


def test_a_budget_that_the_adapter_has_not_is_refused(handoff: Handoff) -> None:
    with pytest.raises(InvalidInput, match="must be one of 1, 1/2, 1/4, 1/8"):
        size_of(handoff.decoder.header, parse_arm("matched@1/3"))


@pytest.mark.parametrize(
    "name", ["alone", "text-8", "full-text", "matched", "deranged", "full-text-tuned"]
)
def test_a_case_is_answered_alike_alone_and_in_a_batch(handoff: Handoff, name: str) -> None:
    together = answers(handoff, name)
    timed = measure(handoff, [arm(handoff, name)], CASES, timed=len(CASES))[name]
    assert [reply.answer for reply in timed] == together
    assert len(set(together)) > 1


def test_options_are_chosen_by_how_likely_they_are(handoff: Handoff) -> None:
    more_and_less_likely = ("blue blue blue", "blue")  # more tokens of the same are less likely
    for options in (more_and_less_likely, more_and_less_likely[::-1]):
        (reply,) = replies(handoff, "matched", replace(CASES[0], options=options))
        assert reply.choice == "blue"
    assert replies(handoff, "matched", CASES[0])[0].choice is None


def test_the_cache_that_would_travel_is_counted_in_half_precision(handoff: Handoff) -> None:
    shape = handoff.sharer.shape
    tokens = 1 + len(handoff.sharer.tokenizer("Cy", add_special_tokens=False)["input_ids"])
    values = 2 * shape.layers * shape.kv_heads * shape.head_dim * tokens
    assert handoff.cache_bytes("Cy") == 2 * values
    assert torch.is_grad_enabled()
