"""Known values, and what an interval has to do."""

import pytest

from latentflow.evaluation.significance import estimate, mcnemar, quantile


@pytest.mark.parametrize(
    ("only_first", "only_second", "p"),
    [(0, 0, 1.0), (5, 5, 1.0), (10, 0, 2 / 2**10), (8, 2, 2 * 56 / 2**10), (2, 8, 2 * 56 / 2**10)],
)
def test_mcnemar_is_the_two_sided_binomial_test_of_the_cases_that_differ(
    only_first: int, only_second: int, p: float
) -> None:
    first = [True] * only_first + [False] * only_second + [True, False] * 3
    second = [False] * only_first + [True] * only_second + [True, False] * 3
    test = mcnemar(first, second)
    assert (test.only_first, test.only_second) == (only_first, only_second)
    assert test.p == pytest.approx(p)


def test_mcnemar_holds_for_thousands_of_cases() -> None:
    assert mcnemar([True] * 3000, [False] * 3000).p == 0.0


def test_the_interval_of_a_share_is_about_two_standard_errors_each_way() -> None:
    half = estimate([0.0, 1.0] * 50, seed=1)
    assert half.value == 0.5
    assert half.low == pytest.approx(0.4, abs=0.02)
    assert half.high == pytest.approx(0.6, abs=0.02)


def test_what_never_varies_has_an_interval_of_one_point() -> None:
    same = estimate([0.25] * 7, seed=3)
    assert (same.value, same.low, same.high) == (0.25, 0.25, 0.25)


def test_the_same_seed_gives_the_same_interval() -> None:
    values = [number / 37 for number in range(37)]
    assert estimate(values, seed=5) == estimate(values, seed=5)
    assert estimate(values, seed=5) != estimate(values, seed=6)


@pytest.mark.parametrize(("share", "value"), [(0, 1), (0.5, 2.5), (0.95, 3.85), (1, 4)])
def test_a_quantile_lies_between_its_neighbours(share: float, value: float) -> None:
    assert quantile([1, 2, 3, 4], share) == pytest.approx(value)
