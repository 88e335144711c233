"""Two ways into a receiver's cache: a prefix of slots, or an update of what it has read.

Owns where injected keys and values stand; knows nothing of how an adapter made them.
Legend: L layers, B batch, H KV heads, P own columns, M slots, T tokens, D head_dim.
"""

import torch
from torch import Tensor

from latentflow.errors import InvalidInput
from latentflow.model.backbone import Backbone
from latentflow.model.capture import KVCache
from latentflow.model.reading import ReadCache, positions_of, require_fit


def inject_prefix(backbone: Backbone, own: ReadCache, slots: KVCache) -> ReadCache:
    """`own` with `slots` behind it, in every layer (methods.md, K2 handoff).

    The receiver's own P columns, its first token (the attention sink) included, stay as they
    are; a row's real slots take the positions that follow, keys rotated with each layer's base.
    `own` of one row serves every row of `slots`. Differentiable with respect to the slots.
    Raises InvalidInput when shapes don't fit the receiver, ContextTooLong.
    """
    _require_shape(backbone, slots, "slots")
    if own.rows not in (1, slots.rows):
        raise InvalidInput(field="slots", problem="must have as many rows as the receiver's cache")
    before = own.expand(slots.rows)
    mask_BK = torch.cat([before.mask_BK, slots.mask_BT], dim=1)
    require_fit(backbone, int(mask_BK.sum(-1).max()), field="prompt with latent")
    positions_BM = positions_of(mask_BK)[:, before.mask_BK.shape[1] :]
    keys, values = _turned(backbone, slots, positions_BM)
    return ReadCache(
        keys=tuple(map(_joined, before.keys, keys)),
        values=tuple(map(_joined, before.values, values)),
        mask_BK=mask_BK,
    )


def inject_residual(
    backbone: Backbone,
    own: ReadCache,
    update: KVCache,
    *,
    key_gates_LBHTD: Tensor,
    value_gates_LBHTD: Tensor,
) -> ReadCache:
    """R' = R + gate * update at every column of `own` (methods.md §3.6).

    `update` has a column for each of `own`'s; its keys are before RoPE and are rotated to the
    positions of `own`, which is the same as updating before RoPE. Columns under a False mask
    of either stay as they are. Gates broadcast to [L, B, H, T, D]. Differentiable.
    Raises InvalidInput when shapes don't fit.
    """
    _require_update(backbone, own, update)
    keys, values = _turned(backbone, update, positions_of(own.mask_BK))
    turned = KVCache(
        keys_LBHTD=torch.stack(keys), values_LBHTD=torch.stack(values), mask_BT=update.mask_BT
    )
    return add_residual(
        backbone,
        own,
        turned,
        key_gates_LBHTD=key_gates_LBHTD,
        value_gates_LBHTD=value_gates_LBHTD,
    )


def add_residual(
    backbone: Backbone,
    own: ReadCache,
    update: KVCache,
    *,
    key_gates_LBHTD: Tensor,
    value_gates_LBHTD: Tensor,
) -> ReadCache:
    """As `inject_residual`, with the update's keys after RoPE already."""
    _require_update(backbone, own, update)
    open_BT = own.mask_BK & update.mask_BT
    key_gates = _layers_of(key_gates_LBHTD, open_BT, backbone)
    value_gates = _layers_of(value_gates_LBHTD, open_BT, backbone)
    return ReadCache(
        keys=tuple(map(_updated, own.keys, update.keys_LBHTD.to(backbone.dtype), key_gates)),
        values=tuple(
            map(_updated, own.values, update.values_LBHTD.to(backbone.dtype), value_gates)
        ),
        mask_BK=own.mask_BK,
    )


def _turned(
    backbone: Backbone, cache: KVCache, positions_BT: Tensor
) -> tuple[list[Tensor], list[Tensor]]:
    """Keys rotated to `positions_BT` and values, a layer at a time, in the receiver's dtype."""
    keys = [
        backbone.rope.rotate(keys_BHTD, positions_BT, layer).to(backbone.dtype)
        for layer, keys_BHTD in enumerate(cache.keys_LBHTD)
    ]
    return keys, [values_BHTD.to(backbone.dtype) for values_BHTD in cache.values_LBHTD]


def _joined(own_BHPD: Tensor, slots_BHMD: Tensor) -> Tensor:
    return torch.cat([own_BHPD, slots_BHMD], dim=2)


def _layers_of(gates_LBHTD: Tensor, open_BT: Tensor, backbone: Backbone) -> Tensor:
    """Gates with closed columns at 0, one [B, H, T, D] a layer, in the receiver's dtype."""
    gates = (gates_LBHTD * open_BT[:, None, :, None]).to(backbone.dtype)
    return gates.expand(backbone.shape.layers, *gates.shape[1:])


def _updated(own_BHTD: Tensor, update_BHTD: Tensor, gate_BHTD: Tensor) -> Tensor:
    return own_BHTD + gate_BHTD * update_BHTD


def _require_update(backbone: Backbone, own: ReadCache, update: KVCache) -> None:
    _require_shape(backbone, update, "update")
    if update.mask_BT.shape != own.mask_BK.shape:
        raise InvalidInput(field="update", problem="must have the columns of the receiver's cache")


def _require_shape(backbone: Backbone, cache: KVCache, field: str) -> None:
    shape = backbone.shape
    layers, _, heads, _, width = cache.keys_LBHTD.shape
    if (layers, heads, width) != (shape.layers, shape.kv_heads, shape.head_dim):
        raise InvalidInput(field=field, problem="must have the receiver's layers, heads and width")
