"""LCF's shared-context projector (methods.md §3): a d-wide channel into each receiver layer.

Owns one layer's weights and what an update is; knows nothing of files, models or training.
Legend: L layers, B batch, H KV heads, T tokens, D head_dim, C a token's keys and values, d channel.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn
from torch.nn.functional import gelu, rms_norm

from latentflow.errors import InvalidInput
from latentflow.model.capture import KVCache

_BLOCKS = 2
_SMALL = 0.02


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectorShape:
    """`sharer_kv_width` is kv_heads * head_dim of the sharer; the rest is the receiver's."""

    sharer_kv_width: int
    kv_heads: int
    head_dim: int
    channel: int

    def __post_init__(self) -> None:
        if min(self.sharer_kv_width, self.kv_heads, self.head_dim) < 1:
            raise InvalidInput(field="projector", problem="every size must be at least 1")
        if self.channel < 2 or self.channel % 2:
            raise InvalidInput(field="channel", problem="must be even, half for K, half for V")

    @property
    def kv_width(self) -> int:
        return self.kv_heads * self.head_dim


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerUpdate:
    """What one layer adds, [B, H, T, D], and how much of it a head takes, [B, H, T, 1]."""

    keys_BHTD: Tensor
    values_BHTD: Tensor
    key_gates_BHT1: Tensor
    value_gates_BHT1: Tensor


class SharerDown(nn.Module):
    """The sharer's part of W_down: [S_K; S_V] to what travels, d numbers a layer and token."""

    def __init__(self, shape: ProjectorShape) -> None:
        super().__init__()
        self.down = nn.Linear(2 * shape.sharer_kv_width, shape.channel, bias=False)

    def forward(self, sharer_BTC: Tensor) -> Tensor:
        """[K; V] of one sharer layer, keys before RoPE, to [B, T, d]."""
        channel_BTd: Tensor = self.down(sharer_BTC)
        return channel_BTd


class ReceiverProjector(nn.Module):
    """The receiver's part: W_down_R, the MLP, the heads' gates and W_up_K, W_up_V."""

    def __init__(self, shape: ProjectorShape) -> None:
        super().__init__()
        self._heads = (shape.kv_heads, shape.head_dim)
        half = shape.channel // 2
        self.down = nn.Linear(2 * shape.kv_width, shape.channel)
        self.blocks = nn.ModuleList(_Block(shape.channel) for _ in range(_BLOCKS))
        self.gates = nn.Linear(shape.channel, 2 * shape.kv_heads)
        self.up_keys = nn.Linear(half, shape.kv_width)
        self.up_values = nn.Linear(half, shape.kv_width)
        begin_small(self.up_keys, self.up_values)

    def forward(self, sharer_BTd: Tensor, own_BTC: Tensor) -> LayerUpdate:
        """What a sharer layer sent, and the receiver's own [K; V], keys before RoPE."""
        z_BTd = sharer_BTd + self.down(own_BTC)
        for block in self.blocks:
            z_BTd = block(z_BTd)
        z_keys, z_values = z_BTd.chunk(2, dim=-1)
        key_gates, value_gates = self.gates(z_BTd).sigmoid().chunk(2, dim=-1)
        return LayerUpdate(
            keys_BHTD=by_head(self.up_keys(z_keys), self._heads),
            values_BHTD=by_head(self.up_values(z_values), self._heads),
            key_gates_BHT1=key_gates.transpose(1, 2)[..., None],
            value_gates_BHT1=value_gates.transpose(1, 2)[..., None],
        )


class _Block(nn.Module):
    """x + W2 GELU(W1 RMSNorm(x)), hidden width 4d; the norm has no weights."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.up = nn.Linear(width, 4 * width)
        self.down = nn.Linear(4 * width, width)

    def forward(self, x_BTd: Tensor) -> Tensor:
        hidden_BTX = gelu(self.up(rms_norm(x_BTd, x_BTd.shape[-1:])))
        out_BTd: Tensor = x_BTd + self.down(hidden_BTX)
        return out_BTd


def by_head(flat_BTX: Tensor, heads: tuple[int, int]) -> Tensor:
    """[..., T, H * D] to [..., H, T, D]; `heads` are H and D."""
    return flat_BTX.view(*flat_BTX.shape[:-1], *heads).transpose(-3, -2)


def begin_small(*last: nn.Linear) -> None:
    """An update begins near nothing: the receiver starts from what it reads, not from noise."""
    for linear in last:
        nn.init.normal_(linear.weight, std=_SMALL * linear.in_features**-0.5)
        nn.init.zeros_(linear.bias)


def last_aligned(*, sharer_layers: int, receiver_layers: int) -> tuple[int, ...]:
    """The sharer layer each receiver layer reads, paired from the last backwards.

    Receiver layers below the sharer's depth read the sharer's first.
    """
    offset = sharer_layers - receiver_layers
    return tuple(max(layer + offset, 0) for layer in range(receiver_layers))


def scaled(update: LayerUpdate, deviation_C: Tensor) -> LayerUpdate:
    """Times each channel's deviation, keys' then values': written in the receiver's own units."""
    by_head_2HD = deviation_C.to(update.keys_BHTD.dtype).view(2, *update.keys_BHTD.shape[1::2])
    keys_HD, values_HD = by_head_2HD.unbind()
    return replace(
        update,
        keys_BHTD=update.keys_BHTD * keys_HD[:, None],
        values_BHTD=update.values_BHTD * values_HD[:, None],
    )


def stack_updates(
    updates: Mapping[int, LayerUpdate],
    layer_gates: Mapping[int, Tensor],
    *,
    mask_BT: Tensor,
    layers: int,
) -> tuple[KVCache, Tensor, Tensor]:
    """All `layers`' updates with their key and value gates [L, B, H, T, 1], for an injection.

    A layer that is not updated has zeros. `layer_gates` are a layer's [2], for keys and values.
    """
    sample = next(iter(updates.values()))
    nothing = LayerUpdate(
        keys_BHTD=torch.zeros_like(sample.keys_BHTD),
        values_BHTD=torch.zeros_like(sample.values_BHTD),
        key_gates_BHT1=torch.zeros_like(sample.key_gates_BHT1),
        value_gates_BHT1=torch.zeros_like(sample.value_gates_BHT1),
    )
    every = [updates.get(layer, nothing) for layer in range(layers)]
    shut = torch.zeros_like(next(iter(layer_gates.values())))
    gates_L2 = torch.stack([layer_gates.get(layer, shut) for layer in range(layers)])
    cache = KVCache(
        keys_LBHTD=torch.stack([update.keys_BHTD for update in every]),
        values_LBHTD=torch.stack([update.values_BHTD for update in every]),
        mask_BT=mask_BT,
    )
    key_gates = torch.stack([update.key_gates_BHT1 for update in every])
    value_gates = torch.stack([update.value_gates_BHT1 for update in every])
    by_layer = gates_L2[:, :, None, None, None, None]
    return cache, key_gates * by_layer[:, 0], value_gates * by_layer[:, 1]
