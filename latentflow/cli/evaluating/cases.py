"""Which cases and contexts `latentflow eval` is given: a file's, or memos that nobody has seen."""

import random
from dataclasses import replace
from pathlib import Path

from latentflow.errors import EmptyInput, InvalidInput
from latentflow.evaluation.case_file import read_asked
from latentflow.evaluation.cases import Asked, sample
from latentflow.training.cases import Case
from latentflow.training.memos import Memos
from latentflow.training.parts import Part
from latentflow.training.plan import MEMOS
from latentflow.training.run import part_of

_MEMOS_BY_DEFAULT = 60
_CONTEXTS_OF_A_MEAN = 64


def cases_of(data: str, limit: int | None, *, seed: int, unseen: bool = False) -> list[Asked]:
    """At most `limit` cases of a JSONL file, or of memos of unseen entities and templates.

    `unseen` leaves only the part of the file that `latentflow train` keeps for the test.
    Raises InvalidInput, EmptyInput.
    """
    if limit is not None and limit < 1:
        raise InvalidInput(field="limit", problem="must be at least 1")
    if data == MEMOS:
        return memo_cases(Part.TEST, limit or _MEMOS_BY_DEFAULT, seed=seed)
    cases = read_asked(Path(data))
    if unseen:
        contexts = {case.context for case in part_of(Path(data), Part.TEST)}
        cases = [case for case in cases if case.context in contexts]
    if not cases:
        raise EmptyInput(field=f"the unseen part of {data}")
    return sample(cases, limit, seed=seed)


def memo_cases(part: Part, count: int, *, seed: int) -> list[Asked]:
    memos = Memos(part, seed=seed, questions=1)
    drawn = (memos.draw() for _ in range(count))
    asked = (case for memo in drawn for case in asked_of(memo))
    return [replace(case, case_id=f"memo-{number}") for number, case in enumerate(asked)]


def asked_of(case: Case) -> list[Asked]:
    """One case for each question of a context."""
    return [
        Asked(
            context=case.context,
            question=question.text,
            answers=question.answers,
            receiver_context=question.receiver_context,
            options=question.options,
        )
        for question in case.questions
    ]


def contexts_of(data: str, *, seed: int) -> list[str]:
    """Up to 64 training contexts of a file or of memos, for their mean latent.

    Raises InvalidInput when there is no such file.
    """
    if data == MEMOS:
        return [case.context for case in memo_cases(Part.TRAIN, _CONTEXTS_OF_A_MEAN, seed=seed)]
    if not Path(data).is_file():
        raise InvalidInput(field=data, problem="is no file")
    contexts = sorted(case.context for case in part_of(Path(data), Part.TRAIN))
    return random.Random(seed).sample(contexts, min(len(contexts), _CONTEXTS_OF_A_MEAN))
