"""An open vocabulary for memos: the words a tokenizer knows whole.

Owns which words those are and what is named by them. Lists alone are soon learnt by heart, and
an adapter that knows them answers with them (docs/decisions/0008-an-open-vocabulary.md). A
tokenizer brings tens of thousands of words, so this needs no data.
"""

import random
import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any

from latentflow.training.memo_words import ENTITIES
from latentflow.training.parts import Part, share

_NAME = re.compile(r"[Ġ▁]([A-Z][a-z]{2,11})")
_WORD = re.compile(r"[Ġ▁]([a-z]{4,12})")
_LEAST = 100
_NAMED = frozenset(("first", "last", "project", "pet", "city"))
_ONE_WORD = frozenset(("goods", "animal", "colour", "vehicle"))
_TWO_WORDS = frozenset(("role", "place", "item", "event", "incident", "food"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Lexicon:
    """Capitalised words and others."""

    names: tuple[str, ...] = ()
    words: tuple[str, ...] = ()

    def has(self, kind: str) -> bool:
        """Whether there are words for an entity of this kind."""
        if kind in _NAMED:
            return bool(self.names)
        return bool(self.words) and kind in _ONE_WORD | _TWO_WORDS

    def draw(self, kind: str, chance: random.Random) -> str:
        """A name or a thing of a kind that it `has`."""
        if kind in _NAMED:
            return chance.choice(self.names)
        count = 1 if kind in _ONE_WORD else chance.choice((1, 2, 2))
        return " ".join(chance.choice(self.words) for _ in range(count))


NO_WORDS = Lexicon()


def lexicon_of(tokenizer: Any, part: Part) -> Lexicon:
    """Training's words, or those kept to validate on; none of them in the test's lists.

    Empty for the test, whose entities are the lists', and for a tokenizer with few whole words
    that are marked as sentencepiece or byte-level BPE do.
    """
    if part is Part.TEST:
        return NO_WORDS
    pieces = sorted(tokenizer.get_vocab())
    names, words = _matching(_NAME, pieces), _matching(_WORD, pieces)
    ours = _share_of(part, {word.lower() for word in (*names, *words)})
    lexicon = Lexicon(
        names=tuple(name for name in names if name.lower() in ours),
        words=tuple(word for word in words if word in ours),
    )
    return lexicon if min(len(lexicon.names), len(lexicon.words)) >= _LEAST else NO_WORDS


def _share_of(part: Part, spellings: Collection[str]) -> frozenset[str]:
    """Parted whatever their case, so that no name of the one is a word of the other."""
    untested = tuple(sorted(set(spellings) - _tested_words()))
    learnt = frozenset(share(untested, Part.TRAIN))
    return learnt if part is Part.TRAIN else frozenset(untested) - learnt


def _matching(pattern: re.Pattern[str], pieces: Iterable[str]) -> list[str]:
    return [match[1] for match in map(pattern.fullmatch, pieces) if match]


def _tested_words() -> frozenset[str]:
    tested = " ".join(name for names in ENTITIES.values() for name in share(names, Part.TEST))
    return frozenset(re.findall(r"\w+", tested.lower()))
