"""Fewer vectors from many: LCF-X's attention over spans.

Owns pooling of tokens; knows nothing of where the pooled vectors go.
Legend: L layers, B batch, H KV heads, T tokens, D head_dim, P spans.
"""

import torch
from torch import Tensor, nn

from latentflow.model.capture import KVCache

NO_SPAN = -1


class AttentionPool(nn.Module):
    """One learned query a layer and head, which attends to groups of columns: L * H * D parameters.

    LCF-X has two: `q_base` over the tokens of a span, `q_layer` over the spans (methods.md §4).
    """

    def __init__(self, *, layers: int, kv_heads: int, head_dim: int) -> None:
        super().__init__()
        self.query = nn.Parameter(torch.randn(layers, kv_heads, head_dim) * head_dim**-0.5)

    def forward(self, cache: KVCache, members_BPT: Tensor) -> KVCache:
        """For each group of columns P the mean of keys and of values under the query's attention.

        [L, B, H, P, D]; a group without columns is zero, and False in the mask.
        """
        scores_LBHT = torch.einsum("lhd,lbhtd->lbht", self.query, cache.keys_LBHTD)
        scores_LBHPT = (scores_LBHT * self.query.shape[-1] ** -0.5)[..., None, :]
        weights_LBHPT = _masked_softmax(scores_LBHPT, members_BPT[:, None])
        return KVCache(
            keys_LBHTD=weights_LBHPT @ cache.keys_LBHTD,
            values_LBHTD=weights_LBHPT @ cache.values_LBHTD,
            mask_BT=members_BPT.any(-1),
        )


def members_of(spans_BT: Tensor, mask_BT: Tensor) -> Tensor:
    """Which columns belong to which span, [B, P, T], from each column's span or NO_SPAN.

    P is the batch's largest span plus one.
    """
    spans_P = torch.arange(int(spans_BT.max()) + 1, device=spans_BT.device)
    return (spans_BT[:, None, :] == spans_P[:, None]) & mask_BT[:, None, :]


def even_spans(mask_BT: Tensor, most: int) -> Tensor:
    """Spans [B, T]: windows of one length a row, at most `most` of them; NO_SPAN at padding."""
    places_BT = mask_BT.long().cumsum(-1) - 1
    windows_B1 = (mask_BT.sum(-1, keepdim=True) + most - 1) // most
    return torch.where(mask_BT, places_BT // windows_B1.clamp(min=1), NO_SPAN)


def _masked_softmax(scores: Tensor, mask: Tensor) -> Tensor:
    """Softmax over the last dimension's True places; all zero where there is none."""
    lowest = torch.finfo(scores.dtype).min
    return scores.masked_fill(~mask, lowest).softmax(-1).masked_fill(~mask, 0.0)
