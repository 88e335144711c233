"""Learning the control of a text arm: a content-free prefix in front of what the receiver reads.

Owns how it is trained: on the same cases and loss as an adapter, over the text itself or over
the sharer's message. Legend: B cases, T tokens.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property

import torch
from torch import nn

from latentflow.latent import Method
from latentflow.model.capture import KVCache, without_positions
from latentflow.model.injection import inject_prefix
from latentflow.model.messages import write_messages
from latentflow.model.prompt import message_ids, summary_ids
from latentflow.model.reading import continue_from
from latentflow.model.soft_prefix import SoftPrefix, SoftSpec
from latentflow.model.tokens import pad_right
from latentflow.training.cases import Case
from latentflow.training.learner import Answered, Rate, Say
from latentflow.training.pair import LENGTH_MULTIPLE, Pair, exam, take

_RATE = 3e-4
_BEGINNING = (
    "Each answer is a few words that stand in the context, exactly as they are written there: "
    "a name, a number, a date or a place. Nothing else is said, and the answer ends."
)


@dataclass(frozen=True)
class ControlLearner:
    """`message_tokens` of the sharer's message are read, or the whole text when it is 0."""

    pair: Pair
    spec: SoftSpec
    message_tokens: int
    method = Method.TEXT
    budgets = (0,)

    @cached_property
    def prefix(self) -> SoftPrefix:
        return SoftPrefix(self.spec).to(self.pair.receiver.device)

    @property
    def modules(self) -> Mapping[str, nn.Module]:
        return {"prefix": self.prefix}

    @property
    def hyperparameters(self) -> dict[str, object]:
        return asdict(self.spec)

    def rates(self) -> list[Rate]:
        return [Rate(parameters=[*self.prefix.parameters()], peak=_RATE)]

    def prepare(self, draw: Callable[[], Case], say: Say) -> dict[str, object]:
        """Starts as an instruction would read."""
        own = self.pair.own.mask_BK.shape[1]
        read = without_positions(self.pair.receiver, self.pair.read_contexts([_BEGINNING]))
        self.prefix.begin_as(read.slice_tokens(own, read.tokens))
        return {"begins as": _BEGINNING}

    def begin(self, progress: float) -> None:
        """Nothing changes on the way."""

    def answer(self, cases: Sequence[Case], budget: int) -> Answered:
        paper, receiver = exam(self.pair, cases), self.pair.receiver
        texts = self._messages(cases) if self.message_tokens else [case.context for case in cases]
        rows = [message_ids(receiver.tokenizer, text) for text in texts]
        said = [row or [0] for row in rows]
        ids_BT, mask_BT = pad_right(said, device=receiver.device, multiple=LENGTH_MULTIPLE)
        mask_BT &= torch.tensor(list(map(bool, rows)), device=receiver.device)[:, None]
        slots: KVCache = self.prefix()
        _, read = continue_from(
            receiver, inject_prefix(receiver, self.pair.own, slots), ids_BT, mask_BT
        )
        return Answered(hidden_AC=take(self.pair, read, paper), paper=paper)

    def _messages(self, cases: Sequence[Case]) -> list[str]:
        sharer, limit = self.pair.sharer, self.message_tokens
        prompts = [summary_ids(sharer.tokenizer, case.context, max_tokens=limit) for case in cases]
        return write_messages(sharer, prompts, max_tokens=limit)
