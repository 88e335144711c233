"""LCF's shared-context projector (methods.md §3): a d-wide channel into each receiver layer.

Owns the layers' weights and gates; knows nothing of files, models or training.
Legend: L layers, B batch, H KV heads, T tokens, D head_dim, W sharer's kv width, d channel.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.functional import gelu, rms_norm

from latentflow.errors import InvalidInput
from latentflow.model.capture import KVCache

_BLOCKS = 2


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

    def forward(self, keys_BHTD: Tensor, values_BHTD: Tensor) -> Tensor:
        """Keys before RoPE and values of one sharer layer, to [B, T, d]."""
        channel_BTd: Tensor = self.down(_side_by_side(keys_BHTD, values_BHTD))
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

    def forward(self, sharer_BTd: Tensor, keys_BHTD: Tensor, values_BHTD: Tensor) -> LayerUpdate:
        """What a sharer layer sent and the receiver's own keys (before RoPE) and values."""
        z_BTd = sharer_BTd + self.down(_side_by_side(keys_BHTD, values_BHTD))
        for block in self.blocks:
            z_BTd = block(z_BTd)
        z_keys, z_values = z_BTd.chunk(2, dim=-1)
        key_gates, value_gates = self.gates(z_BTd).sigmoid().chunk(2, dim=-1)
        return LayerUpdate(
            keys_BHTD=self._by_head(self.up_keys(z_keys)),
            values_BHTD=self._by_head(self.up_values(z_values)),
            key_gates_BHT1=key_gates.transpose(1, 2)[..., None],
            value_gates_BHT1=value_gates.transpose(1, 2)[..., None],
        )

    def _by_head(self, flat_BTX: Tensor) -> Tensor:
        return flat_BTX.reshape(*flat_BTX.shape[:-1], *self._heads).transpose(1, 2)


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


def last_aligned(*, sharer_layers: int, receiver_layers: int) -> tuple[int, ...]:
    """The sharer layer each receiver layer reads, paired from the last backwards.

    Receiver layers below the sharer's depth read the sharer's first.
    """
    offset = sharer_layers - receiver_layers
    return tuple(max(layer + offset, 0) for layer in range(receiver_layers))


def hard_gates(logits: Tensor) -> Tensor:
    """A layer's gate g in use: 1 where its logit is positive, else 0."""
    return (logits > 0).to(logits.dtype)


def gumbel_gates(logits: Tensor, temperature: float, noise: torch.Generator) -> Tensor:
    """A layer's gate g in training: Gumbel-sigmoid, annealed 1 to 0.001 (methods.md §2)."""
    uniform = torch.rand(logits.shape, generator=noise).clamp(1e-6, 1 - 1e-6)
    logistic = uniform.logit().to(logits.device, logits.dtype)
    return ((logits + logistic) / temperature).sigmoid()


def stack_updates(updates: list[LayerUpdate], mask_BT: Tensor) -> tuple[KVCache, Tensor, Tensor]:
    """All layers' updates and their key and value gates [L, B, H, T, 1], for `inject_residual`."""
    cache = KVCache(
        keys_LBHTD=torch.stack([update.keys_BHTD for update in updates]),
        values_LBHTD=torch.stack([update.values_BHTD for update in updates]),
        mask_BT=mask_BT,
    )
    key_gates = torch.stack([update.key_gates_BHT1 for update in updates])
    value_gates = torch.stack([update.value_gates_BHT1 for update in updates])
    return cache, key_gates, value_gates


def _side_by_side(keys_BHTD: Tensor, values_BHTD: Tensor) -> Tensor:
    """[K; V] of each token, [B, T, 2 * H * D]."""
    return torch.cat([keys_BHTD, values_BHTD], dim=1).transpose(1, 2).flatten(2)
