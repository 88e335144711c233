"""Rotary positions of one model, on and off, with the model's own rotary module and function.

Owns which frequencies a layer uses; patches nothing and knows nothing of caches.
Legend: B batch, H KV heads, T tokens, D head_dim, R rotary dims (R <= D).
"""

import inspect
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from transformers import PreTrainedModel

from latentflow.errors import UnsupportedModel
from latentflow.model.shape import layer_types


@dataclass(frozen=True, slots=True, kw_only=True)
class Rope:
    """Turns keys to positions and back; linear in the keys, so gradients pass through.

    Angles are computed in float32 whatever the keys' dtype.
    """

    embedding: Callable[..., Any]
    apply: Callable[..., Any]
    types: tuple[str, ...]
    per_type: bool

    def cos_sin(self, positions_BT: Tensor, layer: int) -> tuple[Tensor, Tensor]:
        """Cosine and sine [B, T, R], float32, attention scaling included, of `layer`'s base."""
        like = torch.empty(0, device=positions_BT.device)
        kind = {"layer_type": self.types[layer]} if self.per_type else {}
        cos_BTR, sin_BTR = self.embedding(like, positions_BT, **kind)
        return cos_BTR, sin_BTR

    def rotate(self, keys_BHTD: Tensor, positions_BT: Tensor, layer: int) -> Tensor:
        """Keys as the model caches them, from keys before RoPE (after any key norm)."""
        cos_BTR, sin_BTR = self.cos_sin(positions_BT, layer)
        return self._turn(keys_BHTD, cos_BTR, sin_BTR)

    def unrotate(self, keys_BHTD: Tensor, positions_BT: Tensor, layer: int) -> Tensor:
        """The inverse of `rotate`: keys before RoPE, from keys as the model caches them."""
        cos_BTR, sin_BTR = self.cos_sin(positions_BT, layer)
        scale_BTR = cos_BTR.square() + sin_BTR.square()  # attention scaling squared
        return self._turn(keys_BHTD, cos_BTR / scale_BTR, -sin_BTR / scale_BTR)

    def _turn(self, keys_BHTD: Tensor, cos_BTR: Tensor, sin_BTR: Tensor) -> Tensor:
        rotary = cos_BTR.shape[-1]
        keys_BHTR = keys_BHTD[..., :rotary].float()
        no_queries = keys_BHTR[:, :0]
        _, turned_BHTR = self.apply(no_queries, keys_BHTR, cos_BTR, sin_BTR)
        turned_BHTR = turned_BHTR.to(keys_BHTD.dtype)
        return torch.cat([turned_BHTR, keys_BHTD[..., rotary:]], dim=-1)


def rope_of(model: PreTrainedModel) -> Rope:
    """Raises UnsupportedModel when the model's code has no rotary module or function."""
    decoder: Any = model.base_model
    apply = getattr(sys.modules[type(decoder).__module__], "apply_rotary_pos_emb", None)
    embedding = getattr(decoder, "rotary_emb", None)
    if embedding is None or apply is None:
        raise UnsupportedModel(
            model=str(model.config.model_type), problem="its positions are not rotary"
        )
    return Rope(
        embedding=embedding,
        apply=apply,
        types=layer_types(model.config),
        per_type="layer_type" in inspect.signature(embedding.forward).parameters,
    )
