import pytest

from latentflow.cli.demo_cases import DEMO_CASES, DemoCase
from latentflow.errors import EmptyInput


def test_there_are_three_memos() -> None:
    assert len(DEMO_CASES) == 3


@pytest.mark.parametrize("case", DEMO_CASES, ids=lambda case: case.expected)
def test_the_answer_is_in_the_memo_once_and_not_in_the_question(case: DemoCase) -> None:
    assert case.context.count(case.expected) == 1
    assert case.expected not in case.question


@pytest.mark.parametrize("field", ["context", "question"])
def test_a_case_needs_both_halves(field: str) -> None:
    with pytest.raises(EmptyInput, match=field):
        DemoCase(**({"context": "c", "question": "q"} | {field: " "}))
