"""Sums over answers that a reader can count."""

import pytest

from latentflow.evaluation.cases import Asked
from latentflow.evaluation.measuring import Reply, Times
from latentflow.evaluation.scores import (
    answer_ms,
    best_of,
    compare,
    first_token_ms,
    follow_rate,
    gain,
    mark,
    option_accuracy,
    summed,
)

CASES = [
    Asked(case_id=answer, context=f"{answer} is here", question="who", answers=(answer,))
    for answer in ("Bo", "Al", "Cy", "Di")
]


def replies(*answers: str) -> list[Reply]:
    return [Reply(answer=answer, wire_bytes=1) for answer in answers]


def test_a_gain_is_taken_case_by_case() -> None:
    marks = {
        "matched": mark(CASES, replies("Bo", "Al", "Cy", "no")),
        "alone": mark(CASES, replies("no", "Al", "Di", "Di")),
    }
    reached = gain(marks, "matched", "alone", seed=0)
    assert reached is not None
    assert reached.em.value == pytest.approx(0.25)
    assert reached.em.low < 0.25 < reached.em.high


def test_there_is_no_gain_over_an_arm_that_was_not_run() -> None:
    marks = {"matched": mark(CASES, replies("Bo", "Al", "Cy", "no"))}
    assert gain(marks, "matched", "deranged", seed=0) is None


def test_an_answer_that_is_the_other_cases_follows_its_latent() -> None:
    others = dict(zip(CASES, CASES[1:] + CASES[:1], strict=True))
    scores, counted = follow_rate(CASES, others, replies("Al", "Al", "Di", "Di"), seed=0)
    assert scores is not None
    assert (scores.em.value, counted) == (0.5, 4)


def test_an_answer_right_for_both_says_nothing_of_following() -> None:
    twin = Asked(case_id="twin", context="also", question="who", answers=("bo.", "Ed"))
    others = {CASES[0]: twin, twin: CASES[1]}
    scores, counted = follow_rate([CASES[0], twin], others, replies("Bo", "Al"), seed=0)
    assert scores is not None
    assert (scores.em.value, counted) == (1.0, 1)
    assert follow_rate([CASES[0]], others, replies("Bo"), seed=0) == (None, 0)


def test_arms_are_compared_by_exact_match() -> None:
    marks = {
        "matched": mark(CASES, replies("Bo", "Al", "Cy", "x")),
        "text-64": mark(CASES, replies("Bo", "so Al", "x", "Di")),
    }
    test = compare(marks, "matched", "text-64")
    assert (test.only_first, test.only_second) == (2, 1)
    assert best_of(marks, ["text-64", "matched"]) == "matched"
    assert best_of(marks, []) is None


def test_options_are_judged_where_a_case_has_some() -> None:
    asked = [Asked(context="c", question="q", answers=("Yes",)) for _ in range(3)]
    chosen = [Reply(answer="", wire_bytes=0, choice=choice) for choice in ("yes", "no", None)]
    assert option_accuracy(asked, chosen) == 0.5
    assert option_accuracy(asked[:1], chosen[2:]) is None


def test_times_are_told_in_milliseconds() -> None:
    times = [Times(first_token_seconds=n / 10, answer_seconds=n) for n in (3, 1, 2)]
    first, whole = first_token_ms(times), answer_ms(times)
    assert first is not None
    assert whole is not None
    assert first.median == pytest.approx(200)
    assert whole.p95 == pytest.approx(2900)
    assert first_token_ms([]) is None


def test_f1_counts_what_exact_match_does_not() -> None:
    scores = summed(mark(CASES[:1], replies("Bo there")), seed=0)
    assert scores.em.value == 0
    assert scores.f1.value == pytest.approx(2 / 3)
