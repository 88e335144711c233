"""Both models and both halves of an adapter in one process.

Owns what every arm has in common; what an arm does with it is `sending`'s and `receiving`'s.
"""

from dataclasses import dataclass
from functools import cached_property

import torch

from latentflow.evaluation.cases import Asked
from latentflow.latent import PositionPolicy
from latentflow.model.adapter_file import AdapterHeader
from latentflow.model.adapters import ReceiverAdapter, SharerAdapter
from latentflow.model.alignment import SharedPrompt, share_prompt
from latentflow.model.backbone import Backbone
from latentflow.model.contexts import context_ids
from latentflow.model.halves import kind_of
from latentflow.model.prompt import PromptFormat, prefix_ids
from latentflow.model.reading import ReadCache, read


@dataclass(frozen=True, kw_only=True)
class Handoff:
    """A sharer and a receiver, and how a context gets from the one to the other."""

    sharer: Backbone
    receiver: Backbone
    encoder: SharerAdapter
    decoder: ReceiverAdapter

    @property
    def form(self) -> PromptFormat:
        """How the receiver is asked, in every arm."""
        return self.decoder.header.prompt

    @cached_property
    def preamble(self) -> ReadCache:
        """What the receiver reads in front of every case, read once: one row."""
        ids = prefix_ids(self.receiver.tokenizer, self.form)
        with torch.no_grad():
            return read(self.receiver, torch.tensor([ids], device=self.receiver.device))

    @property
    def is_shared(self) -> bool:
        """Whether both models read one prompt, so that a latent belongs to its positions."""
        return reads_one_prompt(self.decoder.header)

    def shared_prompt(self, case: Asked) -> SharedPrompt:
        """The one prompt that both models read, where the method is of that kind."""
        tokenizers = (self.sharer.tokenizer, self.receiver.tokenizer)
        return share_prompt(tokenizers, self.form, context=case.context, question=case.question)

    def sharers_text(self, case: Asked) -> str:
        """What the sharer reads for a latent."""
        return self.shared_prompt(case).text if self.is_shared else case.context

    def cache_bytes(self, text: str) -> int:
        """The sharer's whole cache of a text in float16: what would travel without an adapter.

        Raises EmptyInput, ContextTooLong.
        """
        shape, tokens = self.sharer.shape, len(context_ids(self.sharer, text))
        return 2 * shape.layers * shape.kv_width * tokens * torch.float16.itemsize


def reads_one_prompt(header: AdapterHeader) -> bool:
    """Whether the method is one of shared context (methods.md sections 2 and 3)."""
    return kind_of(header.method).position is PositionPolicy.ALIGNED
