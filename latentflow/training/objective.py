"""What is minimised: the answer's cross-entropy, and at first the distance from reading the text.

Owns one step's loss over a batch of cases; optimisation is `loop`'s. Legend: A answer tokens,
C hidden size, V vocabulary.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from latentflow.training.cases import Case
from latentflow.training.learner import Answered, Learner
from latentflow.training.pair import Exam, Pair, take


@dataclass(frozen=True, slots=True, kw_only=True)
class StepLoss:
    """`answer` is cross-entropy a token; `imitation` KL and hidden-state error, else 0."""

    answer: Tensor
    imitation: Tensor

    @property
    def total(self) -> Tensor:
        return self.answer + self.imitation


def answer_loss(learner: Learner, cases: Sequence[Case], budget: int) -> StepLoss:
    """Cross-entropy of the answers over latents of this budget."""
    answered = learner.answer(cases, budget)
    logits_AV = _logits(learner.pair, answered, answered.hidden_AC)
    return StepLoss(answer=_distance(logits_AV, answered.paper), imitation=torch.zeros(()))


def imitation_loss(learner: Learner, cases: Sequence[Case], budget: int) -> StepLoss:
    """`answer_loss` and the distance from the receiver that reads the contexts as text."""
    answered = learner.answer(cases, budget)
    logits_AV = _logits(learner.pair, answered, answered.hidden_AC)
    with torch.no_grad():
        read_AC = _read(learner.pair, cases, answered.paper)
        read_AV = _logits(learner.pair, answered, read_AC).log_softmax(-1)
    divergence = functional.kl_div(
        logits_AV.log_softmax(-1), read_AV, log_target=True, reduction="batchmean"
    )
    distance = (answered.hidden_AC - read_AC).float().square().mean()
    return StepLoss(
        answer=_distance(logits_AV, answered.paper),
        imitation=divergence + distance / read_AC.float().square().mean(),
    )


def _distance(logits_AV: Tensor, paper: Exam) -> Tensor:
    """Cross-entropy a token, the weighted mean."""
    losses_A = functional.cross_entropy(logits_AV, paper.targets_A, reduction="none")
    return (losses_A * paper.weights_A).sum() / paper.weights_A.sum()


def _read(pair: Pair, cases: Sequence[Case], paper: Exam) -> Tensor:
    return take(pair, pair.read_contexts([case.context for case in cases]), paper)


def _logits(pair: Pair, answered: Answered, hidden_AC: Tensor) -> Tensor:
    return pair.receiver.logits(hidden_AC, answered.paper.vocabulary_V).float()
