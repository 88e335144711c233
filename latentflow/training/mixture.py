"""The training mix: which case comes next, from memos and from files, by weight and seed.

Owns drawing, and making questions where a file has none; knows nothing of models.
"""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from latentflow.errors import EmptyInput, InvalidInput
from latentflow.training.cases import Case, Question
from latentflow.training.memos import Memos, Part

QUESTIONS_A_CASE = 2
_CLOZE_SHARE = 0.2
_WORDS_BEFORE = (3, 6)
_WORDS_AFTER = (1, 3)
_CLOZE_WORDS = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A share of the mix: `draw` gives its next case."""

    name: str
    weight: float
    draw: Callable[[], Case]

    def __post_init__(self) -> None:
        if not self.weight > 0:
            raise InvalidInput(field=f"mix {self.name}", problem="must have a positive weight")


class Mixture:
    """Draws cases from sources by weight, seeded."""

    def __init__(self, sources: Sequence[Source], *, seed: int) -> None:
        if not sources:
            raise EmptyInput(field="mix")
        self._sources = sources
        self._weights = [source.weight for source in sources]
        self._random = random.Random(seed)

    def draw(self) -> Case:
        return self._random.choices(self._sources, self._weights)[0].draw()


def memo_source(weight: float, *, seed: int) -> Source:
    memos = Memos(Part.TRAIN, seed=seed, questions=QUESTIONS_A_CASE)
    return Source(name="memos", weight=weight, draw=memos.draw)


def file_source(name: str, weight: float, cases: Sequence[Case], *, seed: int) -> Source:
    """Cases at random, at most two questions of each; clozes where a case has no question, and
    one time in five where it has. Raises EmptyInput when no case can be asked anything.
    """
    usable = [case for case in cases if case.questions or _long_enough(case)]
    if not usable:
        raise EmptyInput(field=f"mix {name}")
    chance = random.Random(f"{name}-{seed}")

    def draw() -> Case:
        case = chance.choice(usable)
        if not case.questions or (_long_enough(case) and chance.random() < _CLOZE_SHARE):
            return cloze(case, chance)
        asked = chance.sample(case.questions, min(QUESTIONS_A_CASE, len(case.questions)))
        return replace(case, questions=tuple(asked))

    return Source(name=name, weight=weight, draw=draw)


def cloze(case: Case, chance: random.Random) -> Case:
    """`case` asked what comes after some of its words."""
    words = case.context.split()
    before, after = chance.randint(*_WORDS_BEFORE), chance.randint(*_WORDS_AFTER)
    start = chance.randint(0, len(words) - before - after)
    lead = " ".join(words[start : start + before])
    answer = " ".join(words[start + before : start + before + after])
    question = Question(text=f'What comes after "{lead}"?', answers=(answer,))
    return replace(case, questions=(question,))


def _long_enough(case: Case) -> bool:
    return len(case.context.split()) >= _CLOZE_WORDS
