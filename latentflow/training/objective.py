"""What an adapter is trained to lower: the answers' loss, and closeness to reading the text.

Owns one step's loss over a batch of cases; optimisation is `loop`'s. Legend: A answer tokens,
C hidden size, V vocabulary, B contexts, M slots, W latent width.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from latentflow.model.contexts import capture_contexts, context_ids
from latentflow.model.injection import inject_prefix
from latentflow.model.prefix import PrefixDecoder, PrefixEncoder
from latentflow.training.cases import Case
from latentflow.training.pair import Exam, Pair, exam, take

_MULTIPLE = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class StepLoss:
    """`answer` is cross-entropy a token; `imitation` KL and hidden-state error, else 0."""

    answer: Tensor
    imitation: Tensor

    @property
    def total(self) -> Tensor:
        return self.answer + self.imitation


def answer_loss(
    pair: Pair, encoder: PrefixEncoder, decoder: PrefixDecoder, cases: Sequence[Case], window: int
) -> StepLoss:
    """Cross-entropy of the answers over injected latents of one vector a `window` tokens."""
    paper = exam(pair, cases)
    hidden_AC = _answer_over_latents(pair, encoder, decoder, cases, window, paper)
    logits_AV = pair.receiver.logits(hidden_AC, paper.vocabulary_V).float()
    answer = functional.cross_entropy(logits_AV, paper.targets_A)
    return StepLoss(answer=answer, imitation=torch.zeros(()))


def imitation_loss(
    pair: Pair, encoder: PrefixEncoder, decoder: PrefixDecoder, cases: Sequence[Case], window: int
) -> StepLoss:
    """`answer_loss` and, to start with, the distance from the receiver that reads the text."""
    paper = exam(pair, cases)
    hidden_AC = _answer_over_latents(pair, encoder, decoder, cases, window, paper)
    logits_AV = pair.receiver.logits(hidden_AC, paper.vocabulary_V).float()
    with torch.no_grad():
        read_AC = take(pair, pair.read_contexts([case.context for case in cases]), paper)
        read_AV = pair.receiver.logits(read_AC, paper.vocabulary_V).float().log_softmax(-1)
    divergence = functional.kl_div(
        logits_AV.log_softmax(-1), read_AV, log_target=True, reduction="batchmean"
    )
    distance = (hidden_AC - read_AC).float().square().mean() / read_AC.float().square().mean()
    return StepLoss(
        answer=functional.cross_entropy(logits_AV, paper.targets_A),
        imitation=divergence + distance,
    )


def _answer_over_latents(
    pair: Pair,
    encoder: PrefixEncoder,
    decoder: PrefixDecoder,
    cases: Sequence[Case],
    window: int,
    paper: Exam,
) -> Tensor:
    rows = [context_ids(pair.sharer, case.context) for case in cases]
    cache = capture_contexts(pair.sharer, rows, multiple=_MULTIPLE)
    latents_BMW, mask_BM = encoder(cache, window)
    slots = decoder(latents_BMW, mask_BM)
    return take(pair, inject_prefix(pair.receiver, pair.own, slots), paper)
