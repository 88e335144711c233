"""Cases to learn from: a context that only the sharer reads, and questions to the receiver.

Owns reading them from JSONL and plain text, and making questions where a file has none.
"""

import json
import random
import re
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from latentflow.errors import EmptyInput, InvalidInput

_WORDS_BEFORE = (3, 6)
_WORDS_AFTER = (1, 3)
_PARAGRAPH_WORDS = (20, 160)


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

    Rows of one context become one case. Raises InvalidInput naming file, line and field.
    """
    if path.suffix != ".jsonl":
        return [Case(context=text, questions=()) for text in _paragraphs(path)]
    contexts: dict[str, list[Question]] = defaultdict(list)
    groups: dict[str, str] = {}
    lines = path.read_text(encoding="utf-8").strip("\n").split("\n")  # text may hold U+2028
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


def cloze(case: Case, chance: random.Random) -> Case | None:
    """`case` asked what comes after some of its words; None when the context is too short."""
    words = case.context.split()
    before, after = chance.randint(*_WORDS_BEFORE), chance.randint(*_WORDS_AFTER)
    if len(words) < before + after + 2:
        return None
    start = chance.randint(0, len(words) - before - after)
    lead = " ".join(words[start : start + before])
    answer = " ".join(words[start + before : start + before + after])
    question = Question(text=f'What comes after "{lead}"?', answers=(answer,))
    return Case(context=case.context, questions=(question,), group=case.group)


def _group(case: Case) -> str:
    return case.group or case.context


def _row(line: str, where: str) -> tuple[str, str, Question | None]:
    try:
        row: dict[str, Any] = json.loads(line)
    except ValueError as error:
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
            answers=tuple(row["answers"]),
            options=tuple(row.get("options", ())),
            receiver_context=row.get("receiver_context", ""),
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise InvalidInput(field=f"{where} answers", problem="must be a list of texts") from error


def _paragraphs(path: Path) -> Iterator[str]:
    low, high = _PARAGRAPH_WORDS
    for line in path.read_text(encoding="utf-8").splitlines():
        words = re.sub(r"\s+([.,;:)])", r"\1", line.replace("<unk>", "it")).split()
        if len(words) >= low:
            yield " ".join(words[:high])


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A share of the training mix: `draw` gives the next case."""

    name: str
    weight: float
    draw: Callable[[], Case]


class Mixture:
    """Draws cases from sources by weight, seeded."""

    def __init__(self, sources: list[Source], *, seed: int) -> None:
        if not sources or min(source.weight for source in sources) <= 0:
            raise InvalidInput(field="mix", problem="needs sources of positive weight")
        self._sources = sources
        self._random = random.Random(seed)

    def draw(self) -> Case:
        weights = [source.weight for source in self._sources]
        return self._random.choices(self._sources, weights)[0].draw()
