"""The two frozen models an adapter joins, with the prompt the receiver is trained under.

Owns how the receiver is read in training: its prefix once, then contexts or slots, then
questions with their answers. Legend: B cases, T tokens, A answer tokens, C hidden size.
"""

from collections.abc import Iterator, Sequence
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
_HEAVIEST = 12  # a passage shall not weigh more than all questions beside it
LENGTH_MULTIPLE = 8  # lengths repeat, so that the CPU's kernels are prepared once


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

    def fits(self, case: Case) -> bool:
        """Whether both models have positions for the context and each of its questions.

        Each is taken to read the longer of both models' tokens: a receiver may be given a slot
        for each of the sharer's, and a sharer the question too.
        """
        text = max(
            len(message_ids(self.receiver.tokenizer, case.context)),
            len(message_ids(self.sharer.tokenizer, case.context)),
        )
        asked = [len(prompt) + len(answer) for prompt, answer in _asked(self, case)]
        needed = self.own.mask_BK.shape[1] + text + max(asked, default=0)
        return needed <= min(self.sharer.shape.max_positions, self.receiver.shape.max_positions)

    def read_contexts(self, contexts: Sequence[str]) -> ReadCache:
        """The receiver's prefix and each context as text behind it: [B, P + T]."""
        rows = [message_ids(self.receiver.tokenizer, text) for text in contexts]
        ids_BT, mask_BT = pad_right(rows, device=self.receiver.device, multiple=LENGTH_MULTIPLE)
        with torch.no_grad():
            return continue_from(self.receiver, self.own, ids_BT, mask_BT)[1]


@dataclass(frozen=True, slots=True, kw_only=True)
class Exam:
    """Every question of a batch of cases with its answer, teacher-forced, a row a case.

    A case's questions lie side by side; `starts_BT` is the column where each token's own begins.
    `places_A` is where the hidden state that predicts each answer token stands in the flat
    [B * T], and `targets_A` where that token stands in `vocabulary_V`: the most frequent tokens
    and those of this batch, since the whole of a quarter million would cost more than everything
    else. `weights_A` are 1, and less in an answer of more than 12 tokens, to weigh as much as 12.
    """

    ids_BT: Tensor
    mask_BT: Tensor
    starts_BT: Tensor
    places_A: Tensor
    targets_A: Tensor
    weights_A: Tensor
    vocabulary_V: Tensor


@dataclass(slots=True)
class _Sheet:
    """One case's questions and answers, side by side."""

    ids: list[int]
    starts: list[int]
    places: list[int]
    answers: list[int]
    weights: list[float]

    def add(self, prompt: list[int], answer: list[int]) -> None:
        start = len(self.ids)
        first = start + len(prompt) - 1
        self.ids += prompt + answer
        self.starts += [start] * (len(prompt) + len(answer))
        self.places += range(first, first + len(answer))
        self.answers += answer
        self.weights += [min(1.0, _HEAVIEST / len(answer))] * len(answer)


def exam(pair: Pair, cases: Sequence[Case]) -> Exam:
    """All questions of `cases`, each followed by the first of its answers and the stop."""
    device = pair.receiver.device
    sheets = [_sheet(pair, case) for case in cases]
    ids_BT, mask_BT = pad_right(
        [sheet.ids for sheet in sheets], device=device, multiple=LENGTH_MULTIPLE
    )
    starts_BT, _ = pad_right(
        [sheet.starts for sheet in sheets], device=device, multiple=LENGTH_MULTIPLE
    )
    places = [
        row * ids_BT.shape[1] + place for row, sheet in enumerate(sheets) for place in sheet.places
    ]
    answers = [token for sheet in sheets for token in sheet.answers]
    weights = [weight for sheet in sheets for weight in sheet.weights]
    vocabulary_V = _vocabulary(pair, cases, ids_BT)
    return Exam(
        ids_BT=ids_BT,
        mask_BT=mask_BT,
        starts_BT=starts_BT,
        places_A=torch.tensor(places, device=device),
        targets_A=torch.searchsorted(vocabulary_V, torch.tensor(answers, device=device)),
        weights_A=torch.tensor(weights, device=device),
        vocabulary_V=vocabulary_V,
    )


def _sheet(pair: Pair, case: Case) -> _Sheet:
    sheet = _Sheet([], [], [], [], [])
    for prompt, answer in _asked(pair, case):
        sheet.add(prompt, answer)
    return sheet


def _asked(pair: Pair, case: Case) -> Iterator[tuple[list[int], list[int]]]:
    """Each question's tokens, and its answer's."""
    tokenizer = pair.receiver.tokenizer
    for question in case.questions:
        yield (
            question_ids(tokenizer, pair.form, question.text),
            answer_ids(tokenizer, pair.form, question.answers[0]),
        )


def _vocabulary(pair: Pair, cases: Sequence[Case], ids_BT: Tensor) -> Tensor:
    """Sorted ids: a vocabulary's first tokens are its most frequent ones."""
    frequent = torch.arange(min(_FREQUENT, pair.receiver.shape.vocabulary))
    rows = [message_ids(pair.receiver.tokenizer, case.context) for case in cases]
    met = torch.tensor([token for row in rows for token in row])
    together = torch.cat([frequent, met, ids_BT.flatten().cpu()])
    vocabulary_V: Tensor = torch.unique(together)
    return vocabulary_V.to(ids_BT.device)


def take(pair: Pair, cache: ReadCache, paper: Exam) -> Tensor:
    """Hidden states [A, C] at the answers' positions; row by row, `cache` is what was read before.

    One row of `cache` serves every case.
    """
    hidden_BTC, _ = continue_from(
        pair.receiver, cache, paper.ids_BT, paper.mask_BT, starts_BT=paper.starts_BT
    )
    return hidden_BTC.flatten(0, 1)[paper.places_A]
