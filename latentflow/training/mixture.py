"""The training mix: which case comes next, from memos, lists and files, by weight and seed.

Owns drawing and what a drawn case is asked; knows nothing of models.
"""

import math
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from latentflow.errors import EmptyInput, InvalidInput
from latentflow.training.cases import Case, answerable
from latentflow.training.clozes import can_cloze, cloze, passage
from latentflow.training.lexicon import NO_WORDS, Lexicon
from latentflow.training.memos import Memos
from latentflow.training.parts import Part
from latentflow.training.word_lists import WordLists

QUESTIONS_A_CASE = 4
_OWN_QUESTIONS = (2, 3, 4)
_JOIN_SHARE = 0.2
_PASSAGE_SHARE = 0.7
_TRIES = 100

Fits = Callable[[Case], bool]
"""Whether models have positions for a case."""


def _any_length(_case: Case) -> bool:
    return True


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A share of the mix: `draw` gives its next case."""

    name: str
    weight: float
    draw: Callable[[], Case]

    def __post_init__(self) -> None:
        if not 0 < self.weight < math.inf:
            raise InvalidInput(field=f"mix {self.name}", problem="must have a positive weight")


class Mixture:
    """Draws cases from sources by weight, seeded.

    Most are also asked for a whole passage, where it still `fits`.
    """

    def __init__(self, sources: Sequence[Source], *, seed: int, fits: Fits = _any_length) -> None:
        if not sources:
            raise EmptyInput(field="mix")
        self._sources = sources
        self._fits = fits
        self._weights = [source.weight for source in sources]
        self._random = random.Random(seed)

    def draw(self) -> Case:
        """Raises InvalidInput when nothing that is drawn fits."""
        case = self._fitting()
        if not can_cloze(case) or self._random.random() >= _PASSAGE_SHARE:
            return case
        asked = replace(case, questions=(*case.questions, passage(case, self._random)))
        return asked if self._fits(asked) else case

    def _fitting(self) -> Case:
        """What is made up may be too long for small models; files were checked before."""
        for _ in range(_TRIES):
            case = self._random.choices(self._sources, self._weights)[0].draw()
            if self._fits(case):
                return case
        raise InvalidInput(field="mix", problem="draws no case that is short enough for the models")


def memo_source(weight: float, part: Part, *, seed: int, lexicon: Lexicon = NO_WORDS) -> Source:
    memos = Memos(part, seed=seed, questions=QUESTIONS_A_CASE, lexicon=lexicon)
    return Source(name="memos", weight=weight, draw=memos.draw)


def word_source(weight: float, part: Part, *, seed: int, lexicon: Lexicon = NO_WORDS) -> Source:
    lists = WordLists(part, seed=seed, lexicon=lexicon)
    return Source(name="words", weight=weight, draw=lists.draw)


def file_source(
    name: str,
    weight: float,
    cases: Sequence[Case],
    *,
    seed: int,
    fits: Fits = _any_length,
) -> Source:
    """Cases at random, now and then two as one that still `fits`, with questions of theirs and
    clozes.

    Raises EmptyInput when no case can be asked anything, InvalidInput when one does not fit.
    """
    usable = [case for case in map(answerable, cases) if case.questions or can_cloze(case)]
    if not usable:
        raise EmptyInput(field=f"mix {name}")
    if too_long := sum(not fits(case) for case in usable):
        problem = f"has contexts too long for the models: {too_long} of {len(usable)}"
        raise InvalidInput(field=f"mix {name}", problem=problem)
    chance = random.Random(f"{name}-{seed}")

    def draw() -> Case:
        case = _asked(chance.choice(usable), chance)
        if chance.random() >= _JOIN_SHARE:
            return case
        together = _joined([case, _asked(chance.choice(usable), chance)], chance)
        return together if fits(together) else case

    return Source(name=name, weight=weight, draw=draw)


def _asked(case: Case, chance: random.Random) -> Case:
    """Some of a case's questions, and clozes for the rest where its text is long enough."""
    most = chance.choice(_OWN_QUESTIONS) if can_cloze(case) else QUESTIONS_A_CASE
    asked = chance.sample(case.questions, min(most, len(case.questions)))
    if can_cloze(case):
        asked += [cloze(case, chance) for _ in range(QUESTIONS_A_CASE - len(asked))]
    return replace(case, questions=tuple(asked))


def _joined(cases: Sequence[Case], chance: random.Random) -> Case:
    """One case of several contexts, in any order, asked on all of them."""
    parts = chance.sample(cases, len(cases))
    questions = [question for case in parts for question in case.questions]
    return Case(
        context=chance.choice(("\n", " ")).join(case.context for case in parts),
        questions=tuple(chance.sample(questions, min(QUESTIONS_A_CASE, len(questions)))),
    )
