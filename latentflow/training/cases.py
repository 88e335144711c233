"""Cases to learn from: a context that only the sharer reads, and questions to the receiver.

Owns reading them from JSONL and plain text and splitting them; what is drawn is `mixture`'s.
"""

import json
import random
import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from latentflow.errors import EmptyInput, InvalidInput
from latentflow.files import read_text_file

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
    lines = read_text_file(path).strip("\n").split("\n")  # text may hold U+2028
    for number, line in enumerate(lines, start=1):
        context, group, question = _row(line, f"{path.name}:{number}")
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


def _group(case: Case) -> str:
    return case.group or case.context


def _row(line: str, where: str) -> tuple[str, str, Question | None]:
    try:
        row: dict[str, Any] = dict(json.loads(line))
    except (ValueError, TypeError) as error:
        raise InvalidInput(field=where, problem="is not a JSON object") from error
    context = row.get("context") or row.get("text")
    if not isinstance(context, str) or not context.strip():
        raise InvalidInput(field=f"{where} context", problem="must be text")
    return context, str(row.get("title", "")), _asked(row, where)


def _asked(row: dict[str, Any], where: str) -> Question | None:
    if "question" not in row:
        return None
    try:
        return Question(
            text=row["question"],
            answers=_texts(row["answers"]),
            options=_texts(row.get("options") or ()),
            receiver_context=row.get("receiver_context") or "",
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise InvalidInput(field=f"{where} answers", problem="must be a list of texts") from error
    except EmptyInput as error:
        raise InvalidInput(field=f"{where} {error.field}", problem="is empty") from error


def _texts(value: object) -> tuple[str, ...]:
    if not isinstance(value, list | tuple):
        raise TypeError(value)  # a text alone would be taken for its letters
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
