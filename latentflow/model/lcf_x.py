"""`lcf-x`: each model reads a text of its own, and summaries of spans travel (methods.md §4).

Owns the two halves: the first learned query makes one (K, V) a span, the second merges the spans
to one that is broadcast over all of the receiver's columns.
Legend: L updated layers, B rows, P spans, T tokens, K receiver columns, C keys and values of one.
"""

from torch import Tensor, nn

from latentflow.errors import InvalidInput
from latentflow.model.capture import KVCache
from latentflow.model.method import Latents
from latentflow.model.pooling import AttentionPool, even_spans, members_of
from latentflow.model.projector import LayerUpdate, ReceiverProjector, SharerDown, by_head
from latentflow.model.residual import Before, ResidualReceiver, ResidualSharer
from latentflow.model.residual_spec import ResidualSpec
from latentflow.model.standard import side_by_side

SPANS = (16, 8, 4, 1)
_GATE_START = 1.0  # from 0 the branch gets almost no gradient


class SpanSharer(ResidualSharer):
    """A budget is a number of spans, windows of one length; any number will do."""

    budgets = SPANS

    def __init__(self, spec: ResidualSpec) -> None:
        super().__init__(spec)
        self.pool = AttentionPool(
            layers=len(spec.layers), kv_heads=spec.sharer_kv_heads, head_dim=spec.sharer_head_dim
        )

    def latents(self, cache: KVCache, budget: int) -> Latents:
        if budget < 1:
            raise InvalidInput(field="budget", problem="must be at least one span")
        return self.over_spans(cache, even_spans(cache.mask_BT, budget))

    def over_spans(self, cache: KVCache, spans_BT: Tensor) -> Latents:
        """Of any spans, such as sentences: each token's from 0, or NO_SPAN."""
        sources = list(self.spec.sources)
        read = KVCache(
            keys_LBHTD=cache.keys_LBHTD[sources].float(),
            values_LBHTD=cache.values_LBHTD[sources].float(),
            mask_BT=cache.mask_BT,
        )
        summaries: KVCache = self.pool(read, members_of(spans_BT, cache.mask_BT))
        columns_LBPC = self.theirs(side_by_side(summaries))
        return Latents(values_BMLw=columns_LBPC.permute(1, 2, 0, 3), mask_BM=summaries.mask_BT)


class SpanProjector(nn.Module):
    """LCF's projector of one layer, all of it on the receiver's side."""

    def __init__(self, spec: ResidualSpec) -> None:
        super().__init__()
        self.down = SharerDown(spec.projector)
        self.project = ReceiverProjector(spec.projector)

    def forward(self, sharer_BTC: Tensor, own_BKC: Tensor) -> LayerUpdate:
        update: LayerUpdate = self.project(self.down(sharer_BTC), own_BKC)
        return update


class SpanReceiver(ResidualReceiver):
    """Every column is updated from the one (K*, V*) that the spans are merged to."""

    def __init__(self, spec: ResidualSpec) -> None:
        super().__init__(spec, sent_width=spec.sharer_columns, gate_start=_GATE_START)
        self._heads = (spec.sharer_kv_heads, spec.sharer_head_dim)
        self.pool = AttentionPool(
            layers=len(spec.layers), kv_heads=spec.sharer_kv_heads, head_dim=spec.sharer_head_dim
        )
        self.layers = nn.ModuleList(SpanProjector(spec) for _ in spec.layers)

    def sent(self, latents: Latents, before: Before) -> tuple[Tensor, Tensor]:
        keys_BMLw, values_BMLw = latents.values_BMLw.chunk(2, dim=-1)
        summaries = KVCache(
            keys_LBHTD=_by_layer(keys_BMLw, self._heads),
            values_LBHTD=_by_layer(values_BMLw, self._heads),
            mask_BT=latents.mask_BM,
        )
        merged: KVCache = self.pool(summaries, latents.mask_BM[:, None])
        return side_by_side(merged), before.cache.mask_BK

    def update(self, place: int, sent_BTw: Tensor, own_BKC: Tensor) -> LayerUpdate:
        update: LayerUpdate = self.layers[place](sent_BTw, own_BKC)
        return update


def _by_layer(values_BMLw: Tensor, heads: tuple[int, int]) -> Tensor:
    """[L, B, H, M, D]"""
    return by_head(values_BMLw.permute(2, 0, 1, 3), heads)
