"""What the two models read of a batch of cases: texts of their own, or one prompt.

Owns the two settings in which adapters are trained (methods.md, "Terms"); knows nothing of what
is made of it.
"""

from collections.abc import Sequence
from typing import Protocol

from latentflow.model.alignment import SharedPrompt, share_prompt
from latentflow.model.contexts import context_ids
from latentflow.model.method import Rows
from latentflow.model.prompt import question_ids
from latentflow.training.cases import Case
from latentflow.training.pair import Pair


class Setting(Protocol):
    """What the two models read of a batch of cases, whose questions are the receiver's rows."""

    def shared(self, pair: Pair, cases: Sequence[Case]) -> tuple[list[list[int]], list[int]]:
        """The sharer's rows, and which of them each question is asked over."""
        ...

    def rows(self, pair: Pair, cases: Sequence[Case]) -> Rows: ...


class OtherContexts:
    """The sharer reads the context and the receiver the question (lcf-x)."""

    def shared(self, pair: Pair, cases: Sequence[Case]) -> tuple[list[list[int]], list[int]]:
        rows = [context_ids(pair.sharer, case.context) for case in cases]
        return rows, [row for row, case in enumerate(cases) for _ in case.questions]

    def rows(self, pair: Pair, cases: Sequence[Case]) -> Rows:
        asked = [
            question_ids(pair.receiver.tokenizer, pair.form, question.text)
            for case in cases
            for question in case.questions
        ]
        return Rows(ids=tuple(map(tuple, asked)))


class SharedContext:
    """Both read the context and the question (lcf, c2c)."""

    def shared(self, pair: Pair, cases: Sequence[Case]) -> tuple[list[list[int]], list[int]]:
        prompts = _prompts(pair, cases)
        return [context_ids(pair.sharer, each.text) for each in prompts], [*range(len(prompts))]

    def rows(self, pair: Pair, cases: Sequence[Case]) -> Rows:
        prompts = _prompts(pair, cases)
        return Rows(
            ids=tuple(prompt.receiver_ids for prompt in prompts),
            slots=tuple(prompt.slots for prompt in prompts),
        )


def _prompts(pair: Pair, cases: Sequence[Case]) -> list[SharedPrompt]:
    tokenizers = (pair.sharer.tokenizer, pair.receiver.tokenizer)
    return [
        share_prompt(tokenizers, pair.form, context=case.context, question=question.text)
        for case in cases
        for question in case.questions
    ]
