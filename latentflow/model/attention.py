"""Attention for training on a CPU, registered through transformers' own attention interface.

Owns one function: float32 products with the query heads of one KV head grouped into one, since
bfloat16 batched products run their backward pass through element-wise copies on a CPU
(docs/decisions/0003-grouped-attention.md has the figures).
Legend: B batch, Q query heads, H KV heads, G queries a KV head, T queries, K keys, D head_dim.
"""

from typing import Any

import torch
from torch import Tensor
from transformers import AttentionInterface

from latentflow.errors import InvalidInput
from latentflow.model.backbone import Backbone

GROUPED = "latentflow_grouped"


def use_grouped_attention(backbone: Backbone) -> None:
    """Makes `backbone` attend with `grouped_attention`; its masks become additive."""
    AttentionInterface.register(GROUPED, grouped_attention)
    backbone.model.set_attn_implementation(GROUPED)


def grouped_attention(
    module: Any,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor,
    scaling: float,
    softcap: float | None = None,
    s_aux: Tensor | None = None,
    **_options: Any,
) -> tuple[Tensor, None]:
    """Softmax attention, [B, Q, T, D] -> [B, T, Q, D]; `attention_mask` [B, 1, T, K] is added.

    `softcap` bounds the scores, as Gemma 2 does. Raises InvalidInput for attention sinks (`s_aux`).
    """
    if s_aux is not None:
        raise InvalidInput(field="attention", problem="has sinks, which training does not know")
    batch, heads, tokens, width = query.shape
    kv_heads = key.shape[1]
    grouped = query.float().reshape(batch, kv_heads, heads // kv_heads * tokens, width) * scaling
    scores = grouped @ key.float().transpose(-1, -2)
    scores = scores.reshape(batch, kv_heads, -1, tokens, scores.shape[-1])
    if softcap is not None:
        scores = softcap * torch.tanh(scores / softcap)
    scores = scores + attention_mask.float().unsqueeze(1)
    weights = torch.softmax(scores, dim=-1).flatten(2, 3)
    attended = (weights @ value.float()).to(query.dtype)
    return attended.reshape(batch, heads, tokens, width).transpose(1, 2).contiguous(), None
