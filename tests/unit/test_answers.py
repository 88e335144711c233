"""Scores as SQuAD's own script gives them."""

import pytest

from latentflow.answers import exact_match, token_f1


@pytest.mark.parametrize(
    ("answer", "accepted", "same"),
    [
        ("The Eiffel Tower.", ["eiffel tower"], True),
        ("BJ-228", ["bj 228", "BJ228"], True),
        ("45 loaves", ["45"], False),
        ("", ["x"], False),
        ("", ["A"], False),
        ("The", ["A"], False),
        ("a", ["A"], True),
        ("(A)", ["A"], True),
        ("", ["!"], False),
    ],
)
def test_exact_match_ignores_case_articles_and_punctuation(
    answer: str, accepted: list[str], same: bool
) -> None:
    assert exact_match(answer, accepted) is same


def test_f1_is_the_best_overlap_of_words() -> None:
    assert token_f1("45 loaves", ["loaves of bread", "45"]) == pytest.approx(2 / 3)
    assert token_f1("nothing alike", ["other"]) == 0
    assert token_f1("a", ["the"]) == 0
