"""Exact match and token F1 as SQuAD scores them (Rajpurkar et al. 2016, section 6.1).

Owns comparing one answer with the accepted ones; stdlib only, knows nothing of models.
"""

import re
import string
from collections import Counter
from collections.abc import Iterable

_ARTICLES = re.compile(r"\b(a|an|the)\b")


def exact_match(answer: str, accepted: Iterable[str]) -> bool:
    """Whether `answer` is one of `accepted`, without case, punctuation and articles."""
    return normal(answer) in {normal(text) for text in accepted}


def token_f1(answer: str, accepted: Iterable[str]) -> float:
    """Best harmonic mean of precision and recall over the words of an accepted answer."""
    return max(_f1(normal(answer).split(), normal(text).split()) for text in accepted)


def normal(text: str) -> str:
    """`text` in lower case, without punctuation and articles, words one space apart.

    What is nothing else keeps them: unlike SQuAD's, so that an empty answer is not option "A".
    """
    whole = text.lower()
    bare = whole.translate(str.maketrans("", "", string.punctuation))
    kept = (
        " ".join(words)
        for each in (_ARTICLES.sub(" ", bare), bare, whole)
        if (words := each.split())
    )
    return next(kept, "")


def _f1(said: list[str], wanted: list[str]) -> float:
    common = sum((Counter(said) & Counter(wanted)).values())
    if not common:
        return float(said == wanted)
    precision, recall = common / len(said), common / len(wanted)
    return 2 * precision * recall / (precision + recall)
