"""The mix follows its weights, repeats by seed, and always has something to ask."""

from collections import Counter

import pytest

from latentflow.errors import EmptyInput, InvalidInput
from latentflow.training.cases import Case, Question
from latentflow.training.mixture import Mixture, Source, file_source, memo_source

LONG = " ".join(f"word{n}" for n in range(40))
ASKED = Case(
    context=LONG, questions=tuple(Question(text=f"q{n}", answers=("a",)) for n in range(5))
)


def test_sources_are_drawn_by_weight() -> None:
    rare, common = (Case(context=name, questions=()) for name in ("rare", "common"))
    mixture = Mixture(
        [
            Source(name="rare", weight=1, draw=lambda: rare),
            Source(name="common", weight=9, draw=lambda: common),
        ],
        seed=0,
    )
    counts = Counter(mixture.draw().context for _ in range(2000))
    assert 130 < counts["rare"] < 270


def test_a_text_without_questions_is_asked_what_comes_next() -> None:
    source = file_source("texts", 1, [Case(context=LONG, questions=())], seed=0)
    for _ in range(50):
        [question] = source.draw().questions
        lead = question.text.split('"')[1]
        assert f"{lead} {question.answers[0]}" in LONG


def test_a_case_gives_at_most_two_of_its_questions() -> None:
    source = file_source("rows", 1, [ASKED], seed=0)
    drawn = [source.draw() for _ in range(50)]
    assert max(len(case.questions) for case in drawn) == 2
    assert len({case.questions for case in drawn}) > 5


def test_a_seed_repeats() -> None:
    first, same = (Mixture([memo_source(1, seed=4)], seed=4) for _ in range(2))
    assert [first.draw() for _ in range(5)] == [same.draw() for _ in range(5)]


@pytest.mark.parametrize("weight", [0, -1, float("nan")])
def test_a_weight_without_sense_is_refused(weight: float) -> None:
    with pytest.raises(InvalidInput):
        memo_source(weight, seed=0)


def test_a_mix_of_nothing_is_refused() -> None:
    with pytest.raises(EmptyInput):
        Mixture([], seed=0)
    with pytest.raises(EmptyInput):
        file_source("short", 1, [Case(context="too short", questions=())], seed=0)
