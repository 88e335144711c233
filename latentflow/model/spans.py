"""Which span of a context each of its tokens lies in.

Owns the step from characters to tokens; windows of one length are `pooling`'s.
"""

from collections.abc import Sequence

from transformers import PreTrainedTokenizerBase

from latentflow.model.alignment import token_ends
from latentflow.model.pooling import NO_SPAN


def token_spans(
    tokenizer: PreTrainedTokenizerBase, context: str, spans: Sequence[tuple[int, int]]
) -> list[int]:
    """The span, from 0, of each token of `context_ids` behind the beginning one, or NO_SPAN.

    `spans` are [start, end) characters of `context`; a token lies where its last character does
    that is no space, in the first such span. Raises InvalidInput when the tokenizer has no
    character offsets.
    """
    text = context.strip()
    shift = context.index(text)
    ends = token_ends(tokenizer, text)
    lasts = [len(text[:end].rstrip()) - 1 for end in ends]
    return [_span_at(shift + last, spans) for last in lasts]


def _span_at(character: int, spans: Sequence[tuple[int, int]]) -> int:
    holding = (place for place, (start, end) in enumerate(spans) if start <= character < end)
    return next(holding, NO_SPAN)
