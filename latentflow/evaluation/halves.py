"""A context cut in two for two sharers, where a sentence ends.

Owns the cut; knows nothing of models.
"""

import re
from collections.abc import Iterable

from latentflow.evaluation.cases import Asked

# Not behind an initial ("J. Smith") or what is short for a name's first word ("St. Paul").
_SENTENCE_END = re.compile(r"(?<=[.!?])(?<!\b[A-Z]\.)(?<!\b(?:St|Mr|Ms|Dr)\.)(?<!\bMrs\.)\s+|\n+")


def halves(case: Asked) -> tuple[str, ...]:
    """Both halves, cut at the end of a span or else of a sentence, as near to the middle as can be.

    A context of one sentence stays whole: then there is one sharer.
    """
    text = case.context.strip()
    shift = len(case.context) - len(case.context.lstrip())
    cuts = _inside(text, (end - shift for _, end in case.spans)) or _inside(
        text, (found.start() for found in _SENTENCE_END.finditer(text))
    )
    if not cuts:
        return (text,)
    cut = min(cuts, key=lambda place: abs(place - len(text) / 2))
    return text[:cut].strip(), text[cut:].strip()


def _inside(text: str, ends: Iterable[int]) -> list[int]:
    """Those with something on either side."""
    return [end for end in ends if end > 0 and text[:end].strip() and text[end:].strip()]
