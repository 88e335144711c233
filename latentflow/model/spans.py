"""Which span of a text each token lies in: a sentence or a paragraph.

Owns where a text is cut; windows of one length are `pooling`'s.
"""

import re
from bisect import bisect_left
from itertools import accumulate, pairwise

from transformers import PreTrainedTokenizerBase

from latentflow.model.alignment import token_ends

_SENTENCE_END = re.compile(r"[.!?]+[\"')\]]*\s+|\n+")
_PARAGRAPH_END = re.compile(r"\n\s*\n")


def sentence_spans(tokenizer: PreTrainedTokenizerBase, text: str) -> list[int]:
    """Each token's sentence, from 0; a line's end is a sentence's too."""
    return _spans(tokenizer, text.strip(), _SENTENCE_END)


def paragraph_spans(tokenizer: PreTrainedTokenizerBase, text: str) -> list[int]:
    """Each token's paragraph, from 0; paragraphs stand apart by an empty line."""
    return _spans(tokenizer, text.strip(), _PARAGRAPH_END)


def _spans(tokenizer: PreTrainedTokenizerBase, text: str, end: re.Pattern[str]) -> list[int]:
    """A token belongs where its last character does; spans without a token are not counted."""
    cuts = [match.end() for match in end.finditer(text)]
    places = [bisect_left(cuts, last) for last in token_ends(tokenizer, text)]
    steps = (int(after > before) for before, after in pairwise(places))
    return list(accumulate(steps, initial=0)) if places else []
