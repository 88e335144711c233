"""The two frozen models an adapter joins, with the prompt the receiver is trained under.

Owns how the receiver is read in training: its prefix once, then contexts or slots, then
questions with their answers. Legend: B contexts, N questions, T tokens, C hidden size.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from latentflow.model.backbone import Backbone
from latentflow.model.prompt import (
    PromptFormat,
    answer_ids,
    message_ids,
    prefix_ids,
    question_ids,
)
from latentflow.model.reading import ReadCache, continue_from, read
from latentflow.model.tokens import pad_right
from latentflow.training.cases import Case

_FREQUENT = 16384
_MULTIPLE = 8  # lengths repeat, so that the CPU's kernels are prepared once


@dataclass(frozen=True)
class Pair:
    """A sharer and a receiver."""

    sharer: Backbone
    receiver: Backbone
    form: PromptFormat

    @cached_property
    def own(self) -> ReadCache:
        """The receiver's prefix, read once: [1, P]."""
        ids = prefix_ids(self.receiver.tokenizer, self.form)
        with torch.no_grad():
            return read(self.receiver, torch.tensor([ids], device=self.receiver.device))

    def read_contexts(self, contexts: Sequence[str]) -> ReadCache:
        """The receiver's prefix and each context as text behind it: [B, P + T]."""
        rows = [message_ids(self.receiver.tokenizer, text) for text in contexts]
        ids_BT, mask_BT = pad_right(rows, device=self.receiver.device, multiple=_MULTIPLE)
        with torch.no_grad():
            return continue_from(self.receiver, self.own, ids_BT, mask_BT)[1]


@dataclass(frozen=True, slots=True, kw_only=True)
class Exam:
    """Every question of a batch of cases with its answer, teacher-forced.

    `rows_N` is the case of each question; `places_A` is where the hidden state that predicts each
    answer token stands in the flat [N * T], and `targets_A` where that token stands in
    `vocabulary_V`: the most frequent tokens and those of this batch, since the whole of a
    quarter million would cost more than everything else.
    """

    ids_NT: Tensor
    mask_NT: Tensor
    rows_N: Tensor
    places_A: Tensor
    targets_A: Tensor
    vocabulary_V: Tensor


def exam(pair: Pair, cases: Sequence[Case]) -> Exam:
    """All questions of `cases`, each followed by the first of its answers and the stop."""
    tokenizer, device = pair.receiver.tokenizer, pair.receiver.device
    asked = [(row, question) for row, case in enumerate(cases) for question in case.questions]
    prompts = [question_ids(tokenizer, pair.form, question.text) for _, question in asked]
    answers = [answer_ids(tokenizer, pair.form, question.answers[0]) for _, question in asked]
    rows = [prompt + answer for prompt, answer in zip(prompts, answers, strict=True)]
    ids_NT, mask_NT = pad_right(rows, device=device, multiple=_MULTIPLE)
    places = [
        index * ids_NT.shape[1] + len(prompt) - 1 + step
        for index, (prompt, answer) in enumerate(zip(prompts, answers, strict=True))
        for step in range(len(answer))
    ]
    answer_tokens_A = torch.tensor([token for answer in answers for token in answer], device=device)
    vocabulary_V = _vocabulary(pair, cases, ids_NT)
    return Exam(
        ids_NT=ids_NT,
        mask_NT=mask_NT,
        rows_N=torch.tensor([row for row, _ in asked], device=device),
        places_A=torch.tensor(places, device=device),
        targets_A=torch.searchsorted(vocabulary_V, answer_tokens_A),
        vocabulary_V=vocabulary_V,
    )


def _vocabulary(pair: Pair, cases: Sequence[Case], ids_NT: Tensor) -> Tensor:
    """Sorted ids: a vocabulary's first tokens are its most frequent ones."""
    frequent = torch.arange(min(_FREQUENT, pair.receiver.shape.vocabulary))
    rows = [message_ids(pair.receiver.tokenizer, case.context) for case in cases]
    met = torch.tensor([token for row in rows for token in row])
    together = torch.cat([frequent, met, ids_NT.flatten().cpu()])
    vocabulary_V: Tensor = torch.unique(together)
    return vocabulary_V.to(ids_NT.device)


def take(pair: Pair, cache: ReadCache, paper: Exam) -> Tensor:
    """Hidden states [A, C] at the answers' positions, each question read over its case's row."""
    hidden_NTC, _ = continue_from(
        pair.receiver, cache.select(paper.rows_N), paper.ids_NT, paper.mask_NT
    )
    return hidden_NTC.flatten(0, 1)[paper.places_A]
