"""The test cases an adapter's card is measured on: nothing that training has seen.

Owns choosing them: memos of unseen entities and templates, and each mixed file's test part.
"""

import random
from collections.abc import Sequence
from pathlib import Path

from latentflow.evaluation.arms import Asked
from latentflow.training.cases import Case, read_cases, split_cases
from latentflow.training.memos import Memos, Part
from latentflow.training.run import MEMOS, TEST_SHARE, Plan

_SEED = 7


def examinations(plan: Plan, count: int) -> dict[str, list[Asked]]:
    """Up to `count` cases of each set: always memos, and files that have questions."""
    sets = {MEMOS: _memos(count)}
    for name, _ in plan.mix:
        if name != MEMOS:
            _, test = split_cases(read_cases(Path(name)), test_share=TEST_SHARE, seed=0)
            sets[Path(name).stem] = _questions(test, count)
    return {name: cases for name, cases in sets.items() if len(cases) > 1}


def _memos(count: int) -> list[Asked]:
    memos = Memos(Part.TEST, seed=_SEED, questions=1)
    return _asked([memos.draw() for _ in range(count)])


def _questions(cases: Sequence[Case], count: int) -> list[Asked]:
    """A sample in which neighbours, who exchange latents, have different contexts as a rule."""
    asked = _asked(cases)
    return random.Random(_SEED).sample(asked, min(count, len(asked)))


def _asked(cases: Sequence[Case]) -> list[Asked]:
    """Questions that are answered in words; choices are a matter of scoring, not of writing."""
    return [
        Asked(context=case.context, question=question.text, answers=question.answers)
        for case in cases
        for question in case.questions
        if not question.options
    ]
