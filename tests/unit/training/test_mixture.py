"""The mix follows its weights, repeats by seed, and always has something to ask."""

from collections import Counter

import pytest

from latentflow.errors import EmptyInput, InvalidInput
from latentflow.training.cases import Case, Question
from latentflow.training.mixture import (
    QUESTIONS_A_CASE,
    Mixture,
    Source,
    file_source,
    memo_source,
)
from latentflow.training.parts import Part

LONG = " ".join(f"word{n}" for n in range(40))
OWN = tuple(Question(text=f"q{n}", answers=("a",)) for n in range(6))
SHORT = Case(context="too short to be cut", questions=OWN)
DRAWS = 100


def _drawn(*cases: Case) -> list[Case]:
    source = file_source("rows", 1, cases, seed=0)
    return [source.draw() for _ in range(DRAWS)]


def _is_joined(case: Case) -> bool:
    return case.context.count("short") == 2 or case.context.count("word0") == 2


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


def test_a_text_without_questions_is_asked_clozes() -> None:
    for case in _drawn(Case(context=LONG, questions=())):
        assert len(case.questions) == QUESTIONS_A_CASE
        assert all(question.answers[0] in LONG for question in case.questions)


def test_most_long_cases_are_also_asked_for_a_passage() -> None:
    long, short = (
        Mixture([file_source("rows", 1, [case], seed=0)], seed=0)
        for case in (Case(context=LONG, questions=()), SHORT)
    )
    asked = [len(long.draw().questions) > QUESTIONS_A_CASE for _ in range(2 * DRAWS)]
    assert 0.5 < sum(asked) / len(asked) < 0.9
    assert {len(short.draw().questions) for _ in range(DRAWS)} == {QUESTIONS_A_CASE}


def test_a_passage_that_does_not_fit_is_not_asked() -> None:
    source = file_source("rows", 1, [Case(context=LONG, questions=())], seed=0)
    mixture = Mixture([source], seed=0, fits=lambda case: len(case.questions) <= QUESTIONS_A_CASE)
    assert {len(mixture.draw().questions) for _ in range(DRAWS)} == {QUESTIONS_A_CASE}


def test_what_is_made_up_too_long_is_drawn_again() -> None:
    source = memo_source(1, Part.TRAIN, seed=0)
    mixture = Mixture([source], seed=0, fits=lambda case: len(case.context) < 300)
    assert max(len(mixture.draw().context) for _ in range(DRAWS)) < 300


def test_a_mix_of_nothing_that_fits_is_refused() -> None:
    mixture = Mixture([memo_source(1, Part.TRAIN, seed=0)], seed=0, fits=lambda _case: False)
    with pytest.raises(InvalidInput, match="short enough"):
        mixture.draw()


def test_clozes_fill_up_what_a_long_case_asks_itself() -> None:
    alone = [case for case in _drawn(Case(context=LONG, questions=OWN)) if not _is_joined(case)]
    own = {sum(question in OWN for question in case.questions) for case in alone}
    assert own == {2, 3, 4}
    assert {len(case.questions) for case in alone} == {QUESTIONS_A_CASE}


def test_a_text_too_short_for_clozes_asks_its_own_questions_only() -> None:
    for case in _drawn(SHORT):
        assert set(case.questions) <= set(OWN)
        assert len(case.questions) == QUESTIONS_A_CASE


def test_the_questions_of_a_case_change_from_draw_to_draw() -> None:
    assert len({case.questions for case in _drawn(SHORT)}) > DRAWS / 2


def test_now_and_then_two_contexts_are_one_case_asked_on_both() -> None:
    other = Case(context=LONG, questions=())
    joined = [
        case
        for case in _drawn(SHORT, other)
        if SHORT.context in case.context and LONG in case.context
    ]
    assert 0.02 * DRAWS < len(joined) < 0.3 * DRAWS
    assert {case.context.startswith(LONG) for case in joined} == {True, False}
    assert any(0 < sum(q in OWN for q in case.questions) < QUESTIONS_A_CASE for case in joined)


def test_contexts_are_joined_only_where_both_fit() -> None:
    both = len(SHORT.context) + 1
    cases = [SHORT, Case(context="as short as that", questions=OWN)]
    source = file_source("rows", 1, cases, seed=0, fits=lambda case: len(case.context) < both)
    assert {source.draw().context for _ in range(DRAWS)} == {case.context for case in cases}


def test_a_context_too_long_for_the_models_is_told_before_the_run() -> None:
    with pytest.raises(InvalidInput, match="too long for the models: 1 of 1"):
        file_source("rows", 1, [SHORT], seed=0, fits=lambda _case: False)


def test_a_question_that_needs_a_context_of_the_receivers_own_is_not_asked() -> None:
    apart = Question(text="which of both?", answers=("a",), receiver_context="the other half")
    for case in _drawn(Case(context=SHORT.context, questions=(*OWN, apart))):
        assert apart not in case.questions
    with pytest.raises(EmptyInput):
        file_source("apart", 1, [Case(context="too short", questions=(apart,))], seed=0)


def test_a_seed_repeats() -> None:
    first, same = (Mixture([memo_source(1, Part.TRAIN, seed=4)], seed=4) for _ in range(2))
    assert [first.draw() for _ in range(5)] == [same.draw() for _ in range(5)]
    assert _drawn(SHORT, Case(context=LONG, questions=())) == _drawn(
        SHORT, Case(context=LONG, questions=())
    )


@pytest.mark.parametrize("weight", [0, -1, float("nan")])
def test_a_weight_without_sense_is_refused(weight: float) -> None:
    with pytest.raises(InvalidInput):
        memo_source(weight, Part.TRAIN, seed=0)


def test_a_mix_of_nothing_is_refused() -> None:
    with pytest.raises(EmptyInput):
        Mixture([], seed=0)
    with pytest.raises(EmptyInput):
        file_source("short", 1, [Case(context="too short", questions=())], seed=0)


@pytest.mark.parametrize("weight", [0, -1, float("nan"), float("inf")])
def test_a_weight_that_is_no_share_is_refused(weight: float) -> None:
    with pytest.raises(InvalidInput, match="positive weight"):
        memo_source(weight, Part.TRAIN, seed=0)
