"""Spans of a text, seen from its tokens."""

from itertools import groupby

from latentflow.model.pooling import NO_SPAN
from latentflow.model.spans import token_spans
from latentflow.model.tokens import plain_ids
from tests.tiny_models import tiny_tokenizer

TEXT = "  The hen is in. Is it?\nYes, at 3.5 miles. "


def _range(piece: str) -> tuple[int, int]:
    start = TEXT.index(piece)
    return start, start + len(piece)


def _pieces(*pieces: str) -> list[tuple[int, str]]:
    """What the tokens of each span say, one behind the other."""
    tokenizer = tiny_tokenizer()
    spans = token_spans(tokenizer, TEXT, [_range(piece) for piece in pieces])
    ids = plain_ids(tokenizer, TEXT.strip())
    groups = groupby(zip(spans, ids, strict=True), key=lambda pair: pair[0])
    return [
        (span, str(tokenizer.decode([each for _, each in group])).strip()) for span, group in groups
    ]


def test_every_token_lies_in_the_span_of_its_last_character() -> None:
    pieces = _pieces("The hen is in.", " Is it?\n", "Yes, at 3.5 miles.")
    assert pieces == [(0, "The hen is in."), (1, "Is it?"), (2, "Yes, at 3.5 miles.")]


def test_a_token_of_space_belongs_to_what_it_follows() -> None:
    assert [span for span, _ in _pieces("Is it?", "Yes, at 3.5 miles.")] == [NO_SPAN, 0, 1]


def test_what_is_in_no_span_is_left_out() -> None:
    pieces = _pieces("Is it?")
    assert pieces[1] == (0, "Is it?")
    assert [span for span, _ in pieces] == [NO_SPAN, 0, NO_SPAN]


def test_of_two_spans_the_first_has_the_token() -> None:
    assert [span for span, _ in _pieces("The hen is in.", "hen is in. Is it?")] == [0, 1, NO_SPAN]
