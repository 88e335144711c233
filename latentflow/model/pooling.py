"""Fewer vectors from many: means over windows, and LCF-X's attention over spans.

Owns pooling of tokens; knows nothing of where the pooled vectors go.
Legend: L layers, B batch, H KV heads, T tokens, D head_dim, W windows, P spans, d width.
"""

import torch
from torch import Tensor, nn
from torch.nn.functional import pad

from latentflow.errors import InvalidInput
from latentflow.model.capture import KVCache

NO_SPAN = -1


def pool_windows(vectors_BTd: Tensor, mask_BT: Tensor, window: int) -> tuple[Tensor, Tensor]:
    """Means over windows of `window` tokens: [B, ceil(T / window), d] and its mask.

    Only real tokens count; a window without any is False in the mask and 0.
    Raises InvalidInput when `window` is below 1.
    """
    if window < 1:
        raise InvalidInput(field="window", problem="must be at least 1")
    missing = -vectors_BTd.shape[1] % window
    weights_BWT = _in_windows(pad(mask_BT, (0, missing)), window).to(vectors_BTd.dtype)
    padded_BWTd = _in_windows(pad(vectors_BTd, (0, 0, 0, missing)), window)
    counts_BW = weights_BWT.sum(-1)
    sums_BWd = (padded_BWTd * weights_BWT[..., None]).sum(2)
    return sums_BWd / counts_BW.clamp(min=1)[..., None], counts_BW > 0


class SpanAttentionPool(nn.Module):
    """LCF-X's pool (methods.md §4): tokens to one (K, V) a span, spans to one (K*, V*).

    One learned query a layer and head for each of the two steps: 2 * L * H * D parameters.
    """

    def __init__(self, *, layers: int, kv_heads: int, head_dim: int) -> None:
        super().__init__()
        queries = torch.randn(2, layers, kv_heads, head_dim) * head_dim**-0.5
        self.q_base = nn.Parameter(queries[0])
        self.q_layer = nn.Parameter(queries[1])

    def forward(self, cache: KVCache, spans_BT: Tensor) -> KVCache:
        """One column a row: [L, B, H, 1, D]."""
        return self.merge(self.summarise(cache, spans_BT))

    def summarise(self, cache: KVCache, spans_BT: Tensor) -> KVCache:
        """[L, B, H, P, D]: `spans_BT` holds each token's span from 0, NO_SPAN for none.

        P is the largest span of the batch plus one; a span without tokens is masked out.
        """
        spans_P = torch.arange(int(spans_BT.max()) + 1, device=spans_BT.device)
        members_BPT = (spans_BT[:, None, :] == spans_P[:, None]) & cache.mask_BT[:, None, :]
        return _attend(self.q_base, cache, members_BPT)

    def merge(self, summaries: KVCache) -> KVCache:
        """[L, B, H, 1, D] from the summaries of the spans."""
        return _attend(self.q_layer, summaries, summaries.mask_BT[:, None, :])


def window_spans(mask_BT: Tensor, window: int) -> Tensor:
    """Spans [B, T] of `window` tokens each, NO_SPAN at padding."""
    spans_T = torch.arange(mask_BT.shape[1], device=mask_BT.device) // window
    return torch.where(mask_BT, spans_T, NO_SPAN)


def _attend(queries_LHD: Tensor, cache: KVCache, members_BPT: Tensor) -> KVCache:
    """For each group of columns P, the mean of keys and of values under the query's attention."""
    scores_LBHT = torch.einsum("lhd,lbhtd->lbht", queries_LHD, cache.keys_LBHTD)
    scores_LBHPT = (scores_LBHT * queries_LHD.shape[-1] ** -0.5)[..., None, :]
    weights_LBHPT = _masked_softmax(scores_LBHPT, members_BPT[:, None])
    return KVCache(
        keys_LBHTD=weights_LBHPT @ cache.keys_LBHTD,
        values_LBHTD=weights_LBHPT @ cache.values_LBHTD,
        mask_BT=members_BPT.any(-1),
    )


def _masked_softmax(scores: Tensor, mask: Tensor) -> Tensor:
    """Softmax over the last dimension's True places; all zero where there is none."""
    lowest = torch.finfo(scores.dtype).min
    return scores.masked_fill(~mask, lowest).softmax(-1).masked_fill(~mask, 0.0)


def _in_windows(tensor: Tensor, window: int) -> Tensor:
    """[B, T, ...] to [B, T / window, window, ...]."""
    return tensor.reshape(tensor.shape[0], -1, window, *tensor.shape[2:])
