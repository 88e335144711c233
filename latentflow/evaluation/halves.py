"""A context cut in two for two sharers, where a sentence ends.

Owns the cut; knows nothing of models.
"""

import re

from latentflow.evaluation.cases import Asked

_SENTENCE_END = re.compile(r"(?<=[.!?])\s+|\n+")


def halves(case: Asked) -> tuple[str, ...]:
    """Both halves, cut at the end of a span or else of a sentence, as near to the middle as can be.

    A context of one sentence stays whole: then there is one sharer.
    """
    text = case.context.strip()
    shift = len(case.context) - len(case.context.lstrip())
    ends = [end - shift for _, end in case.spans] or [
        found.start() for found in _SENTENCE_END.finditer(text)
    ]
    cuts = [cut for cut in ends if text[:cut].strip() and text[cut:].strip()]
    if not cuts:
        return (text,)
    cut = min(cuts, key=lambda place: abs(place - len(text) / 2))
    return text[:cut].strip(), text[cut:].strip()
