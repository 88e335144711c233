from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from latentflow.errors import InvalidInput
from latentflow.evaluation.cases import Asked
from latentflow.evaluation.derangement import derange, exchange


def case(context: object, answer: object, number: int = 0) -> Asked:
    return Asked(case_id=str(number), context=f"{context}", question="what", answers=(f"{answer}",))


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 1)), min_size=2, max_size=12))
def test_it_is_a_permutation_without_fixed_points(contents: list[tuple[int, int]]) -> None:
    cases = [case(*content) for content in contents]
    places = derange(cases, seed=0)
    assert sorted(places) == list(range(len(cases)))
    assert all(place != here for here, place in enumerate(places))


def test_questions_on_one_context_are_not_exchanged_among_each_other() -> None:
    cases = [case(number // 4, number, number) for number in range(12)]
    for seed in range(20):
        assert all(
            mine.context != other.context for mine, other in exchange(cases, seed=seed).items()
        )


def test_a_case_is_not_given_one_with_the_same_answer() -> None:
    cases = [case(number, "yes" if number % 2 else "No.", number) for number in range(10)]
    for mine, other in exchange(cases, seed=4).items():
        assert mine.right_answers != other.right_answers


def test_where_it_can_not_be_helped_as_few_as_can_be_have_the_same_answer() -> None:
    cases = [case(number, "yes" if number < 7 else "no", number) for number in range(10)]
    alike = [
        mine for mine, other in exchange(cases, seed=0).items() if mine.answers == other.answers
    ]
    assert len(alike) == 4


def test_a_choice_is_given_whatever_answer_chance_brings() -> None:
    cases = [
        replace(case(number, "yes" if number % 2 else "no", number), options=("yes", "no"))
        for number in range(40)
    ]
    alike = [mine.answers == other.answers for mine, other in exchange(cases, seed=0).items()]
    assert 10 < sum(alike) < 30


def test_another_seed_exchanges_differently() -> None:
    cases = [case(number, number, number) for number in range(20)]
    assert derange(cases, seed=0) == derange(cases, seed=0)
    assert derange(cases, seed=0) != derange(cases, seed=1)


def test_one_case_has_nobody_to_exchange_with() -> None:
    with pytest.raises(InvalidInput, match="two"):
        derange([case(0, 0)], seed=0)
