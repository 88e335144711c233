"""Where a text is cut into spans, seen from its tokens."""

from itertools import groupby

from latentflow.model.spans import paragraph_spans, sentence_spans
from latentflow.model.tokens import plain_ids
from tests.tiny_models import tiny_tokenizer

TEXT = " The hen is in. Is it?\nYes, at 3.5 miles.\n\nThe end "


def _pieces(spans: list[int]) -> list[str]:
    tokenizer = tiny_tokenizer()
    ids = plain_ids(tokenizer, TEXT.strip())
    groups = groupby(zip(spans, ids, strict=True), key=lambda pair: pair[0])
    return [str(tokenizer.decode([each for _, each in group])).strip() for _, group in groups]


def test_a_sentence_ends_at_its_mark_or_with_its_line() -> None:
    spans = sentence_spans(tiny_tokenizer(), TEXT)
    assert _pieces(spans) == ["The hen is in.", "Is it?", "Yes, at 3.5 miles.", "The end"]
    assert sorted(set(spans)) == [0, 1, 2, 3]


def test_a_paragraph_ends_at_an_empty_line() -> None:
    spans = paragraph_spans(tiny_tokenizer(), TEXT)
    assert _pieces(spans) == ["The hen is in. Is it?\nYes, at 3.5 miles.", "The end"]


def test_an_empty_text_has_no_spans() -> None:
    assert sentence_spans(tiny_tokenizer(), " ") == []
