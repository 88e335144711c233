"""Learning an `lcf-x`, `lcf` or `c2c` adapter: answers over an updated cache of the receiver.

Owns what the three share: rates, start, gates' annealing. Legend: B questions, A answer tokens,
C hidden size.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property

import torch
from torch import Tensor, nn

from latentflow.errors import UnsupportedMethod
from latentflow.latent import Method
from latentflow.model.capture import KVCache
from latentflow.model.contexts import capture_contexts
from latentflow.model.method import Latents, ReceiverHalf, SharerHalf
from latentflow.model.prompt import answer_ids
from latentflow.model.reading import ReadCache, continue_from
from latentflow.model.residual import ResidualReceiver, ResidualSharer, read_before_last
from latentflow.model.standard import side_by_side
from latentflow.model.tokens import pad_right
from latentflow.training.cases import Case
from latentflow.training.learner import Answered, Rate, Say
from latentflow.training.pair import LENGTH_MULTIPLE, Pair, exam
from latentflow.training.settings import OtherContexts, Setting, SharedContext

_COLDEST = 0.001
_MEASURED_CASES = 16
_GATE_RATE = 1e-2

_RATES = {Method.LCF_X: 1e-3, Method.LCF: 1e-3, Method.C2C: 1e-4}
_SETTINGS: dict[Method, Setting] = {
    Method.LCF_X: OtherContexts(),
    Method.LCF: SharedContext(),
    Method.C2C: SharedContext(),
}


def residual_learner(
    pair: Pair, method: Method, encoder: SharerHalf, decoder: ReceiverHalf
) -> "ResidualLearner":
    """Raises UnsupportedMethod for halves that update no layers."""
    if not isinstance(encoder, ResidualSharer) or not isinstance(decoder, ResidualReceiver):
        raise UnsupportedMethod(method=method)
    return ResidualLearner(pair, method, encoder, decoder)


@dataclass(frozen=True)
class ResidualLearner:
    """One of the three methods."""

    pair: Pair
    method: Method
    encoder: ResidualSharer
    decoder: ResidualReceiver

    @property
    def setting(self) -> Setting:
        return _SETTINGS[self.method]

    @cached_property
    def modules(self) -> Mapping[str, nn.Module]:
        device = self.pair.receiver.device
        return {"encoder": self.encoder.to(device), "decoder": self.decoder.to(device)}

    @property
    def budgets(self) -> tuple[int, ...]:
        return self.encoder.budgets

    @property
    def hyperparameters(self) -> dict[str, object]:
        return asdict(self.decoder.spec)

    def rates(self) -> list[Rate]:
        gates = [*self.decoder.gates.parameters()]
        others = [
            parameter
            for module in self.modules.values()
            for parameter in module.parameters()
            if not any(parameter is gate for gate in gates)
        ]
        return [
            Rate(parameters=others, peak=_RATES[self.method]),
            Rate(parameters=gates, peak=_GATE_RATE),
        ]

    @torch.no_grad()
    def prepare(self, draw: Callable[[], Case], say: Say) -> dict[str, object]:
        """Measures both models' channels; the maps themselves start from chance."""
        say(f"measuring the channels on {_MEASURED_CASES} cases")
        cases = [draw() for _ in range(_MEASURED_CASES)]
        receiver, decoder = self.pair.receiver, self.decoder
        rows, _ = self.setting.shared(self.pair, cases)
        cache = self._read(rows)
        self.encoder.theirs.measure(self.encoder.columns(cache), cache.mask_BT)
        before = read_before_last(receiver, self.pair.own, self.setting.rows(self.pair, cases))
        own = decoder.columns_of(receiver, before.cache)
        decoder.own.measure(side_by_side(own)[list(decoder.spec.layers)], own.mask_BT)
        return {"measured_cases": _MEASURED_CASES}

    def begin(self, progress: float) -> None:
        """Anneals the gates, 1 to 0.001 (methods.md §2)."""
        self.decoder.gates.anneal(_COLDEST**progress, seed=round(progress * 1e6))

    def answer(self, cases: Sequence[Case], budget: int) -> Answered:
        """Without gradients, as in validation, the gates are those of use."""
        self.decoder.train(torch.is_grad_enabled())
        paper = exam(self.pair, cases)
        rows = self.setting.rows(self.pair, cases)
        device, dtype = self.pair.receiver.device, self.pair.receiver.dtype
        with torch.autocast(device.type, dtype, enabled=dtype is torch.bfloat16):
            latents = self._latents(cases, budget)
            cache, last = self.decoder.ready(self.pair.receiver, self.pair.own, latents, rows)
        return Answered(hidden_AC=_answer(self.pair, cache, last, cases), paper=paper)

    def _latents(self, cases: Sequence[Case], budget: int) -> Latents:
        rows, asked = self.setting.shared(self.pair, cases)
        latents = self.encoder.latents(self._read(rows), budget)
        return latents.select(torch.tensor(asked, device=latents.mask_BM.device))

    def _read(self, rows: Sequence[Sequence[int]]) -> KVCache:
        return capture_contexts(self.pair.sharer, rows, multiple=LENGTH_MULTIPLE)


def _answer(
    pair: Pair, cache: ReadCache, last: Sequence[Sequence[int]], cases: Sequence[Case]
) -> Tensor:
    """Hidden states [A, C] that predict each answer's tokens, question by question."""
    answers = [
        answer_ids(pair.receiver.tokenizer, pair.form, question.answers[0])
        for case in cases
        for question in case.questions
    ]
    rows = [[*left, *answer[:-1]] for left, answer in zip(last, answers, strict=True)]
    ids_BT, mask_BT = pad_right(rows, device=pair.receiver.device, multiple=LENGTH_MULTIPLE)
    hidden_BTC, _ = continue_from(pair.receiver, cache, ids_BT, mask_BT)
    hidden_AC: Tensor = hidden_BTC[mask_BT]
    return hidden_AC
