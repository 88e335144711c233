"""Learning an `lcf-prefix` adapter: closed-form start, then answers over injected slots.

Owns the method's rates and start (study.md, recipe).
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property

import torch
from torch import nn

from latentflow.errors import InvalidInput
from latentflow.latent import Method
from latentflow.model.contexts import capture_contexts, context_ids
from latentflow.model.grading import graded
from latentflow.model.injection import inject_prefix
from latentflow.model.method import require_budget
from latentflow.model.prefix import PrefixDecoder, PrefixEncoder, PrefixSpec
from latentflow.quantisation import MEAN_BITS
from latentflow.training.cases import Case
from latentflow.training.closed_form import aligned_moments, fisher_weights, solve
from latentflow.training.learner import Answered, Rate, Say
from latentflow.training.pair import LENGTH_MULTIPLE, Pair, exam, take

_FORM_OF = {bits: quantisation for quantisation, bits in MEAN_BITS.items()}
_FISHER_BATCHES, _FISHER_CASES = 14, 4
# The rate of the wide linear maps is low: every step moves all of their thousands of inputs.
_DOWN_RATE, _UP_RATE, _BLOCK_RATE = 1.5e-5, 3e-4, 5e-4


@dataclass(frozen=True)
class PrefixLearner:
    """`closed_form_tokens` sharer tokens are read for the start."""

    pair: Pair
    spec: PrefixSpec
    closed_form_tokens: int = 100_000
    method = Method.LCF_PREFIX

    def __post_init__(self) -> None:
        if self.closed_form_tokens < 1:
            raise InvalidInput(field="closed_form_tokens", problem="must be at least 1")

    @cached_property
    def encoder(self) -> PrefixEncoder:
        return PrefixEncoder(self.spec).to(self.pair.receiver.device)

    @cached_property
    def decoder(self) -> PrefixDecoder:
        return PrefixDecoder(self.spec).to(self.pair.receiver.device)

    @property
    def modules(self) -> Mapping[str, nn.Module]:
        return {"encoder": self.encoder, "decoder": self.decoder}

    @property
    def budgets(self) -> tuple[int, ...]:
        """Bits a number that travel, on average."""
        return tuple(MEAN_BITS.values())

    @property
    def hyperparameters(self) -> dict[str, object]:
        return asdict(self.spec)

    def rates(self) -> list[Rate]:
        blocks = (self.encoder.block, self.decoder.blocks)
        return [
            Rate(parameters=[*self.encoder.down.parameters()], peak=_DOWN_RATE),
            Rate(parameters=[*self.decoder.up.parameters()], peak=_UP_RATE),
            Rate(
                parameters=[each for block in blocks for each in block.parameters()],
                peak=_BLOCK_RATE,
            ),
        ]

    def prepare(self, draw: Callable[[], Case], say: Say) -> dict[str, object]:
        say("closed form: the receiver's Fisher information")
        batches = [[draw() for _ in range(_FISHER_CASES)] for _ in range(_FISHER_BATCHES)]
        weights_G = fisher_weights(self.pair, batches)
        say(f"closed form: {self.closed_form_tokens} aligned tokens, some minutes")
        moments = aligned_moments(self.pair, self.encoder, self.decoder, self._texts(draw))
        r2 = solve(moments, weights_G, self.encoder, self.decoder)
        say(f"closed form: R2 {r2:.2f}")
        return {"weighted_r2": round(r2, 4)}

    def begin(self, progress: float) -> None:
        """Nothing changes on the way."""

    def answer(self, cases: Sequence[Case], budget: int) -> Answered:
        """Raises InvalidInput for a number of bits in which latents don't travel."""
        require_budget(budget, self.budgets)
        paper = exam(self.pair, cases)
        rows = [context_ids(self.pair.sharer, case.context) for case in cases]
        cache = capture_contexts(self.pair.sharer, rows, multiple=LENGTH_MULTIPLE)
        dtype = self.pair.receiver.dtype
        with torch.autocast(cache.mask_BT.device.type, dtype, enabled=dtype is torch.bfloat16):
            arrived = graded(self.encoder(cache).float(), _FORM_OF[budget])
            slots = self.decoder(arrived, cache.mask_BT)
        read = inject_prefix(self.pair.receiver, self.pair.own, slots)
        return Answered(hidden_AC=take(self.pair, read, paper), paper=paper)

    def _texts(self, draw: Callable[[], Case]) -> Iterator[str]:
        """Contexts until they hold the planned number of sharer tokens."""
        left = self.closed_form_tokens
        while left > 0:
            text = draw().context
            left -= len(self.pair.sharer.tokenizer(text)["input_ids"])
            yield text
