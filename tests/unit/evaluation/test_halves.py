import pytest

from latentflow.evaluation.cases import Asked, Span
from latentflow.evaluation.halves import halves


def case(context: str, *spans: Span) -> Asked:
    return Asked(context=context, question="q", answers=("a",), spans=spans)


@pytest.mark.parametrize(
    ("context", "expected"),
    [
        ("Bo left. Al came.", ("Bo left.", "Al came.")),
        ("Bo left. Al came at nine. Cy?", ("Bo left.", "Al came at nine. Cy?")),
        ("- one tin\n- two tins\n- three", ("- one tin", "- two tins\n- three")),
        ("  Bo left.  ", ("Bo left.",)),
        ("The church of St. Paul", ("The church of St. Paul",)),
        ("Mr. J. Smith and Mrs. Lee", ("Mr. J. Smith and Mrs. Lee",)),
        ("He came with Ann. B. Smith left.", ("He came with Ann.", "B. Smith left.")),
        ("It costs 4.50 in all", ("It costs 4.50 in all",)),
    ],
)
def test_a_context_is_cut_where_a_sentence_ends_near_its_middle(
    context: str, expected: tuple[str, ...]
) -> None:
    assert halves(case(context)) == expected


def test_spans_say_where_it_may_be_cut() -> None:
    text = "One. Two. Three. Four."
    assert halves(case(text, (0, 16), (17, 22))) == ("One. Two. Three.", "Four.")


def test_a_context_that_is_one_span_is_cut_where_a_sentence_ends() -> None:
    assert halves(case("  Bo left. Al came.", (0, 1), (2, 19))) == ("Bo left.", "Al came.")
