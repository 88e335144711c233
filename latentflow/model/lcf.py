"""`lcf`: both models read one text, and d numbers a position and layer travel (methods.md §3).

Owns the two halves. Keys are before RoPE on both sides, so that positions may differ.
Legend: L updated layers, B rows, T sharer tokens, K receiver columns, C keys and values of one.
"""

import torch
from torch import Tensor, nn

from latentflow.model.capture import KVCache
from latentflow.model.method import Latents, require_budget
from latentflow.model.projector import LayerUpdate, ReceiverProjector, SharerDown
from latentflow.model.residual import Before, ResidualReceiver, ResidualSharer, matched
from latentflow.model.residual_spec import ResidualSpec

CHANNEL = 128


class LcfSharer(ResidualSharer):
    """The sharer's part of W_down, a layer each."""

    def __init__(self, spec: ResidualSpec) -> None:
        super().__init__(spec)
        self.budgets = (spec.width,)
        self.layers = nn.ModuleList(SharerDown(spec.projector) for _ in spec.layers)

    def latents(self, cache: KVCache, budget: int) -> Latents:
        require_budget(budget, self.budgets)
        columns_LBTC = self.theirs(self.columns(cache))
        sent = [down(each_BTC) for down, each_BTC in zip(self.layers, columns_LBTC, strict=True)]
        return Latents(values_BMLw=torch.stack(sent, dim=2), mask_BM=cache.mask_BT)


class LcfReceiver(ResidualReceiver):
    """Each column is updated from what the sharer made of the same characters."""

    def __init__(self, spec: ResidualSpec) -> None:
        super().__init__(spec, sent_width=spec.width, gate_start=0.0)
        self.layers = nn.ModuleList(ReceiverProjector(spec.projector) for _ in spec.layers)

    def sent(self, latents: Latents, before: Before) -> tuple[Tensor, Tensor]:
        return matched(latents, before)

    def update(self, place: int, sent_BTw: Tensor, own_BKC: Tensor) -> LayerUpdate:
        update: LayerUpdate = self.layers[place](sent_BTw, own_BKC)
        return update
