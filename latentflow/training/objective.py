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
    """`answer` is cross-entropy a token, weighted as the exam says.

    `imitation` is KL and hidden-state error, else 0.
    """

    answer: Tensor
    imitation: Tensor

    @property
    def total(self) -> Tensor:
        return self.answer + self.imitation


def answer_loss(learner: Learner, cases: Sequence[Case], budget: int) -> StepLoss:
    """Cross-entropy of the answers over latents of this budget."""
    answered = learner.answer(cases, budget)
    logits_AV = _logits(learner.pair, answered, answered.hidden_AC)
    return StepLoss(answer=_cross_entropy(logits_AV, answered.paper), imitation=torch.zeros(()))


def imitation_loss(learner: Learner, cases: Sequence[Case], budget: int) -> StepLoss:
    """`answer_loss` and the distance from the receiver that reads the contexts as text."""
    answered = learner.answer(cases, budget)
    logits_AV = _logits(learner.pair, answered, answered.hidden_AC)
    with torch.no_grad():
        read_AC = _read(learner.pair, cases, answered.paper)
        read_AV = _logits(learner.pair, answered, read_AC).log_softmax(-1)
    divergence_A = functional.kl_div(
        logits_AV.log_softmax(-1), read_AV, log_target=True, reduction="none"
    ).sum(-1)
    error_A = (answered.hidden_AC - read_AC).float().square().mean(-1)
    return StepLoss(
        answer=_cross_entropy(logits_AV, answered.paper),
        imitation=_mean(divergence_A + error_A / read_AC.float().square().mean(), answered.paper),
    )


def _cross_entropy(logits_AV: Tensor, paper: Exam) -> Tensor:
    return _mean(functional.cross_entropy(logits_AV, paper.targets_A, reduction="none"), paper)


def _mean(losses_A: Tensor, paper: Exam) -> Tensor:
    """A token, by weight."""
    return (losses_A * paper.weights_A).sum() / paper.weights_A.sum()


def _read(pair: Pair, cases: Sequence[Case], paper: Exam) -> Tensor:
    return take(pair, pair.read_contexts([case.context for case in cases]), paper)


def _logits(pair: Pair, answered: Answered, hidden_AC: Tensor) -> Tensor:
    return pair.receiver.logits(hidden_AC, answered.paper.vocabulary_V).float()
