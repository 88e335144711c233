"""A proof, made once when a model is loaded, that its cache can be freed of positions.

Catches what no config tells: norms after RoPE, layers without positions, caches of other shapes.
Legend: L layers, B batch, H KV heads, T tokens, D head_dim.
"""

from typing import Any

import torch
from torch import Tensor
from transformers import PreTrainedModel

from latentflow.errors import UnsupportedModel
from latentflow.model.rope import Rope
from latentflow.model.shape import ModelShape

_TOKENS = 3
_SHIFT = 11
_TOLERANCE = 0.05  # of the largest key; a wrong rotation is off by about one


@torch.no_grad()
def require_position_free_cache(model: PreTrainedModel, rope: Rope, shape: ModelShape) -> None:
    """Reads three tokens at two places: keys before RoPE must be the same at both.

    Raises UnsupportedModel.
    """
    here_LBHTD = _keys_before_rope(model, rope, shape, start=0)
    there_LBHTD = _keys_before_rope(model, rope, shape, start=_SHIFT)
    difference = (here_LBHTD - there_LBHTD).abs().max()
    if not bool(difference <= _TOLERANCE * here_LBHTD.abs().max()):
        raise _refusal(model, "its keys can't be freed of their positions")


def _keys_before_rope(
    model: PreTrainedModel, rope: Rope, shape: ModelShape, *, start: int
) -> Tensor:
    ids_BT = torch.arange(_TOKENS, device=model.device)[None] * (shape.vocabulary // _TOKENS)
    positions_BT = start + torch.arange(_TOKENS, device=model.device)[None]
    decoder: Any = model.base_model
    output = decoder(input_ids=ids_BT, position_ids=positions_BT, use_cache=True)
    layers = output.past_key_values.layers
    keys = [layer.keys for layer in layers if getattr(layer, "keys", None) is not None]
    expected = (1, shape.kv_heads, _TOKENS, shape.head_dim)
    if len(keys) != shape.layers or any(key.shape != expected for key in keys):
        raise _refusal(model, "its cache is not of one shape")
    try:
        freed = [rope.unrotate(key.float(), positions_BT, layer) for layer, key in enumerate(keys)]
    except RuntimeError as error:
        raise _refusal(model, "its rotary function takes other angles") from error
    return torch.stack(freed)


def _refusal(model: PreTrainedModel, problem: str) -> UnsupportedModel:
    return UnsupportedModel(model=str(model.config.model_type), problem=problem)
