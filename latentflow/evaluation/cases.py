"""A case of an evaluation: what only the sharer reads, what the receiver is asked, what is right.

Owns the value and which cases of many are taken; files are `case_file`'s.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace

from latentflow.answers import normal
from latentflow.errors import EmptyInput, InvalidInput

Span = tuple[int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One case: a context, one question, the accepted answers.

    `receiver_context` is what only the receiver reads. `spans` are [start, end) characters of
    `context` that belong together (paragraphs, sentences). `options` are the choices to score.
    """

    context: str
    question: str
    answers: tuple[str, ...]
    case_id: str = ""
    receiver_context: str = ""
    options: tuple[str, ...] = ()
    spans: tuple[Span, ...] = ()

    def __post_init__(self) -> None:
        for name in ("context", "question"):
            if not getattr(self, name).strip():
                raise EmptyInput(field=name)
        for name, required in (("answers", True), ("options", False)):
            texts = getattr(self, name)
            if (required and not texts) or not all(text.strip() for text in texts):
                raise EmptyInput(field=name)
        if not all(0 <= start < end <= len(self.context) for start, end in self.spans):
            raise InvalidInput(field="spans", problem="must lie in the context")

    @property
    def right_answers(self) -> frozenset[str]:
        """The accepted answers as they are compared."""
        return frozenset(map(normal, self.answers))


def shared(case: Asked) -> Asked:
    """The case for methods of shared context: both models read all there is to read."""
    together = f"{case.context.strip()} {case.receiver_context.strip()}".strip()
    return replace(case, context=together, receiver_context=together, spans=())


def sample(cases: Sequence[Asked], limit: int | None, *, seed: int) -> list[Asked]:
    """At most `limit` cases from everywhere, in their order: neighbours are often alike."""
    if limit is None or limit >= len(cases):
        return list(cases)
    chosen = random.Random(seed).sample(range(len(cases)), limit)
    return [cases[place] for place in sorted(chosen)]
