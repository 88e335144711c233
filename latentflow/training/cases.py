"""Cases to learn from: a context that only the sharer reads, and questions to the receiver.

Owns reading them from JSONL and plain text and splitting them; what is drawn is `mixture`'s.
"""

import random
import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from latentflow.errors import EmptyInput, InvalidInput
from latentflow.files import read_json_lines, read_text_file

_PARAGRAPH_WORDS = (20, 160)
_HOLE, _MOST_HOLES = "<unk>", 0.1  # of the words
_TOKENISED = re.compile(r"\s+(?=[.,;:?!)\]%]|'\w|n't)|(?<=[(\[])\s+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """`answers` are all accepted; the first is the one to learn. `options` when it is a choice."""

    text: str
    answers: tuple[str, ...]
    options: tuple[str, ...] = ()
    receiver_context: str = ""

    def __post_init__(self) -> None:
        if not self.text.strip():
            raise EmptyInput(field="question")
        if not self.answers or not all(answer.strip() for answer in self.answers):
            raise EmptyInput(field="answers")


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One context and its questions. `group` is what a split must not cut (an article)."""

    context: str
    questions: tuple[Question, ...]
    group: str = ""

    def __post_init__(self) -> None:
        if not self.context.strip():
            raise EmptyInput(field="context")


def read_cases(path: Path) -> list[Case]:
    """Cases of a JSONL with the fields of docs/training.md, or plain text's paragraphs.

    Rows of one context become one case. Raises InvalidInput naming file, line and field, or the
    file when it can't be read.
    """
    if path.suffix != ".jsonl":
        return [Case(context=text, questions=()) for text in _paragraphs(path)]
    contexts: dict[str, list[Question]] = defaultdict(list)
    groups: dict[str, str] = {}
    for where, row in read_json_lines(path):
        context, group, question = _row(row, where)
        groups[context] = group
        contexts[context].extend([question] if question else [])
    return [
        Case(context=context, questions=tuple(questions), group=groups[context])
        for context, questions in contexts.items()
    ]


def split_cases(
    cases: list[Case], *, test_share: float, seed: int
) -> tuple[list[Case], list[Case]]:
    """Training and test cases; a group lies wholly on one side."""
    groups = sorted({_group(case) for case in cases})
    random.Random(seed).shuffle(groups)
    test = set(groups[: round(len(groups) * test_share)])
    return (
        [case for case in cases if _group(case) not in test],
        [case for case in cases if _group(case) in test],
    )


def answerable(case: Case) -> Case:
    """Without what needs a context of the receiver's own, which training does not give it."""
    questions = (question for question in case.questions if not question.receiver_context)
    return replace(case, questions=tuple(questions))


def _group(case: Case) -> str:
    return case.group or case.context


def _row(row: dict[str, Any], where: str) -> tuple[str, str, Question | None]:
    context = row.get("context") or row.get("text")
    if not isinstance(context, str) or not context.strip():
        raise InvalidInput(field=f"{where} context", problem="must be text")
    return context, _text(row, "title", where), _asked(row, where)


def _asked(row: dict[str, Any], where: str) -> Question | None:
    if "question" not in row:
        return None
    try:
        return Question(
            text=_text(row, "question", where),
            answers=_texts(row, "answers", where),
            options=_texts(row, "options", where),
            receiver_context=_text(row, "receiver_context", where),
        )
    except EmptyInput as error:
        raise InvalidInput(field=f"{where} {error.field}", problem="is empty") from error


def _text(row: dict[str, Any], field: str, where: str) -> str:
    """What is null is not there."""
    value = row.get(field)
    if not isinstance(value, str | None):
        raise InvalidInput(field=f"{where} {field}", problem="must be text")
    return value or ""


def _texts(row: dict[str, Any], field: str, where: str) -> tuple[str, ...]:
    value = row.get(field) or []
    if not isinstance(value, list) or not all(isinstance(text, str) for text in value):
        raise InvalidInput(field=f"{where} {field}", problem="must be a list of texts")
    return tuple(value)


def _paragraphs(path: Path) -> Iterator[str]:
    """Paragraphs as people write them: WikiText's marks are undone, holes left out."""
    low, high = _PARAGRAPH_WORDS
    for line in read_text_file(path).splitlines():
        pieces = line.split()
        text = " ".join(piece for piece in pieces if piece != _HOLE)
        words = _TOKENISED.sub("", re.sub(r" @(.)@ ", r"\1", text)).split()
        if len(words) >= low and pieces.count(_HOLE) <= _MOST_HOLES * len(words):
            yield " ".join(words[:high])
