from fractions import Fraction

import pytest

from latentflow.errors import EmptyInput, InvalidInput
from latentflow.evaluation.arm_names import ArmName, Kind, parse_arm, parse_arms, parse_budget


@pytest.mark.parametrize(
    "arm",
    [
        ArmName(text="alone", kind=Kind.ALONE),
        ArmName(text="full-text-tuned", kind=Kind.FULL_TEXT, tuned=True),
        ArmName(text="text-7", kind=Kind.TEXT, tokens=7),
        ArmName(text="text-200-need", kind=Kind.TEXT, tokens=200, need=True),
        ArmName(text="text-64-need", kind=Kind.TEXT, tokens=64, need=True),
        ArmName(text="text-64-tuned", kind=Kind.TEXT, tokens=64, tuned=True),
        ArmName(text="matched-fp16", kind=Kind.MATCHED, half_precision=True),
        ArmName(text="deranged@1/4", kind=Kind.DERANGED, budget=Fraction(1, 4)),
        ArmName(text="two-sharers", kind=Kind.TWO_SHARERS),
    ],
    ids=lambda arm: arm.text,
)
def test_a_name_says_what_an_arm_is(arm: ArmName) -> None:
    assert parse_arm(arm.text) == arm


@pytest.mark.parametrize(
    "name",
    [
        "",
        "text",
        "text-0",
        "text-513",
        "text-64-tuned-need",
        "text-64-need-tuned",
        "alone-tuned",
        "Matched",
        "matched-tuned",
    ],
)
def test_another_name_is_refused(name: str) -> None:
    with pytest.raises(InvalidInput, match="arm"):
        parse_arm(name)


def test_matched_is_measured_with_every_budget() -> None:
    arms = parse_arms("alone,matched, text-8", [Fraction(1), Fraction(1, 4), Fraction(1, 8)])
    assert [arm.text for arm in arms] == "alone matched matched@1/4 matched@1/8 text-8".split()


def test_an_arm_named_twice_is_one() -> None:
    assert [arm.text for arm in parse_arms("alone,alone", [])] == ["alone"]


def test_no_arms_are_refused() -> None:
    with pytest.raises(EmptyInput, match="arms"):
        parse_arms(" , ", [])


@pytest.mark.parametrize("text", ["", "x", "0", "5/4", "1/0", "-1/4"])
def test_a_budget_is_a_share_of_the_whole(text: str) -> None:
    with pytest.raises(InvalidInput, match="budget"):
        parse_budget(text)


def test_only_the_words_of_the_sharer_to_an_untuned_receiver_are_a_message() -> None:
    names = ["text-64", "text-64-need", "text-64-tuned", "full-text", "matched"]
    assert [parse_arm(name).is_message for name in names] == [True, True, False, False, False]
