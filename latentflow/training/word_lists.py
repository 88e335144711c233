"""Lists of names, things, numbers and codes without any sense, to be said again word by word.

Owns how a list is drawn; what stands in it is `memos`'. In a sentence much can be guessed, here
only what crosses can be said (docs/decisions/0011-lists-of-words.md).
"""

import random
from dataclasses import replace

from latentflow.training.cases import Case
from latentflow.training.clozes import cloze, passage
from latentflow.training.lexicon import NO_WORDS, Lexicon
from latentflow.training.memos import Memos
from latentflow.training.parts import Part

_ENTRIES = (20, 60)
_BETWEEN = (", ", ", ", " ", " ", "\n", " and ", "; ")


class WordLists:
    """An endless, seeded source of lists of one part's words, each asked for two pieces of it."""

    def __init__(self, part: Part, *, seed: int, lexicon: Lexicon = NO_WORDS) -> None:
        self._random = random.Random(f"words-{part}-{seed}")
        self._memos = Memos(part, seed=seed, lexicon=lexicon)

    def draw(self) -> Case:
        count = self._random.randint(*_ENTRIES)
        entries = (self._memos.entity() for _ in range(count))
        case = Case(context=self._random.choice(_BETWEEN).join(entries), questions=())
        questions = (passage(case, self._random), cloze(case, self._random))
        return replace(case, questions=questions)
