"""Questions made from any text: what comes next, what fills a gap, and what stands between.

Owns making them; which texts are asked is `mixture`'s. Real texts have few questions of their
own, and these ask for what a reader must hold: who, where, how many, in which words.
"""

import random
import re

from latentflow.training.cases import Case, Question

_LEAST_WORDS = 20
_WORDS_BEFORE = (3, 6)
_WORDS_AFTER = (1, 3)
_GAP_BEFORE = (3, 9)
_GAP_AFTER = (0, 6)
_NEXT = (
    'What comes after "{lead}"?',
    'How does it go on: "{lead}"?',
)
_GAP = (
    'What fills the gap: "{before} ___ {after}"?',
    'Which words are missing in "{before} ___ {after}"?',
    "{before} what {after}?",
)
_NAME = r"[A-Z0-9][\w'\u2019.,-]*"
_NAMES = re.compile(rf"{_NAME}(?: (?:(?:of|the|and|de) )?{_NAME}){{0,3}}")
_PASSAGE_WORDS = (12, 45)
_ENDS_WORDS = (3, 5)
_BETWEEN = (
    'What stands between "{before}" and "{after}"?',
    'Which words lead from "{before}" to "{after}"?',
)
_NAMED_SHARE = 0.75
_GAP_SHARE = 0.6


def can_cloze(case: Case) -> bool:
    """Whether there is text enough to ask about."""
    return len(case.context.split()) >= _LEAST_WORDS


def cloze(case: Case, chance: random.Random) -> Question:
    """A question on a piece of the case's context, which must be long enough."""
    words = case.context.split()
    return _gap(words, chance) if chance.random() < _GAP_SHARE else _next(words, chance)


def passage(case: Case, chance: random.Random) -> Question:
    """A longer piece of the case's context, which must be long enough: word by word, what it says.

    A few words of an answer teach little of a text; this is the replay of reconstruction that
    compressors are trained with (methods.md, section 5).
    """
    words = case.context.split()
    before, after = chance.randint(*_ENDS_WORDS), chance.randint(*_ENDS_WORDS)
    length = min(chance.randint(*_PASSAGE_WORDS), len(words) - before - after)
    start = chance.randint(before, len(words) - after - length)
    text = chance.choice(_BETWEEN).format(
        before=" ".join(words[start - before : start]),
        after=" ".join(words[start + length : start + length + after]),
    )
    return Question(text=text, answers=(" ".join(words[start : start + length]),))


def _next(words: list[str], chance: random.Random) -> Question:
    before, after = chance.randint(*_WORDS_BEFORE), chance.randint(*_WORDS_AFTER)
    start = chance.randint(0, len(words) - before - after)
    lead = " ".join(words[start : start + before])
    answer = " ".join(words[start + before : start + before + after])
    return Question(text=chance.choice(_NEXT).format(lead=lead), answers=(answer,))


def _gap(words: list[str], chance: random.Random) -> Question:
    """The gap is a name or a number as a rule, else any words."""
    start, stop = _named_span(words, chance) or _any_span(words, chance)
    before = words[max(0, start - chance.randint(*_GAP_BEFORE)) : start]
    after = words[stop : stop + chance.randint(*_GAP_AFTER)]
    answer = " ".join(words[start:stop]).strip(" .,;:()\"'") or " ".join(words[start:stop])
    text = chance.choice(_GAP).format(before=" ".join(before), after=" ".join(after))
    return Question(text=text.replace(" ?", "?"), answers=(answer,))


def _named_span(words: list[str], chance: random.Random) -> tuple[int, int] | None:
    if chance.random() > _NAMED_SHARE:
        return None
    text = " ".join(words)
    first = len(" ".join(words[:3]))
    spans = [match.span() for match in _NAMES.finditer(text) if match.start() > first]
    if not spans:
        return None
    start, stop = chance.choice(spans)
    return text.count(" ", 0, start), text.count(" ", 0, stop) + 1


def _any_span(words: list[str], chance: random.Random) -> tuple[int, int]:
    length = chance.randint(*_WORDS_AFTER)
    start = chance.randint(3, len(words) - length)
    return start, start + length
