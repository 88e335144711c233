"""`lcf-prefix`: one vector a window of context tokens, decoded to a prefix of the receiver's cache.

Owns the adapter's two halves; how they are trained is `latentflow.training`'s. Design and figures:
docs/decisions/0002-token-wise-prefix.md, after the study of this pair.
Legend: L layers, B batch, H KV heads, T tokens, M slots, D head_dim, F features, W latent width.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from latentflow.errors import InvalidInput
from latentflow.model.capture import KVCache
from latentflow.model.pooling import pool_windows
from latentflow.model.shape import ModelShape

_REACH = 32  # distances beyond this share one relative bias
_SMALL = 0.02


@dataclass(frozen=True, slots=True, kw_only=True)
class PrefixSpec:
    """Sizes of an `lcf-prefix` adapter: `width` numbers travel for each slot."""

    sharer_layers: int
    sharer_kv_width: int
    receiver_layers: int
    receiver_kv_heads: int
    receiver_head_dim: int
    width: int = 256
    heads: int = 4
    windows: tuple[int, ...] = (1, 2, 4, 8)

    def __post_init__(self) -> None:
        if self.width % self.heads:
            raise InvalidInput(field="width", problem="must be a multiple of heads")

    @property
    def features(self) -> int:
        """Keys and values of every sharer layer at one token."""
        return 2 * self.sharer_layers * self.sharer_kv_width

    @property
    def targets(self) -> int:
        """Keys and values of every receiver layer at one slot."""
        return 2 * self.receiver_layers * self.receiver_kv_heads * self.receiver_head_dim


def prefix_spec(sharer: ModelShape, receiver: ModelShape, *, width: int = 256) -> PrefixSpec:
    """The adapter's sizes for an ordered pair of models."""
    return PrefixSpec(
        sharer_layers=sharer.layers,
        sharer_kv_width=sharer.kv_width,
        receiver_layers=receiver.layers,
        receiver_kv_heads=receiver.kv_heads,
        receiver_head_dim=receiver.head_dim,
        width=width,
    )


def spec_from(hyperparameters: Mapping[str, object]) -> PrefixSpec:
    """From an adapter file's JSON object. Raises InvalidInput for missing or foreign entries."""
    try:
        return PrefixSpec(**{**hyperparameters, "windows": tuple(hyperparameters["windows"])})  # type: ignore[arg-type]
    except (KeyError, TypeError) as error:
        raise InvalidInput(field="hyperparameters", problem="are not an lcf-prefix's") from error


class PrefixEncoder(nn.Module):
    """The sharer's half: its cache to latents."""

    mean_F: Tensor
    deviation_F: Tensor

    def __init__(self, spec: PrefixSpec) -> None:
        super().__init__()
        self.windows = spec.windows
        self.register_buffer("mean_F", torch.zeros(spec.features))
        self.register_buffer("deviation_F", torch.ones(spec.features))
        self.down = nn.Linear(spec.features, spec.width)
        self.block = TokenBlock(spec.width, spec.heads)

    def forward(self, cache: KVCache, window: int = 1) -> tuple[Tensor, Tensor]:
        """Latents [B, M, W] and their mask [B, M], M = ceil(T / window).

        Raises InvalidInput for a window the adapter was not trained with.
        """
        if window not in self.windows:
            raise InvalidInput(field="window", problem=f"must be one of {self.windows}")
        features_BTF = (flatten(cache).float() - self.mean_F) / self.deviation_F
        latents_BTW = self.block(self.down(features_BTF), cache.mask_BT)
        return pool_windows(latents_BTW, cache.mask_BT, window)


class PrefixDecoder(nn.Module):
    """The receiver's half: latents to keys before RoPE and values, every layer filled."""

    mean_F: Tensor
    deviation_F: Tensor

    def __init__(self, spec: PrefixSpec) -> None:
        super().__init__()
        self._heads_shape = (
            2,
            spec.receiver_layers,
            spec.receiver_kv_heads,
            spec.receiver_head_dim,
        )
        self.block = TokenBlock(spec.width, spec.heads)
        self.up = nn.Linear(spec.width, spec.targets)
        self.register_buffer("mean_F", torch.zeros(spec.targets))
        self.register_buffer("deviation_F", torch.ones(spec.targets))

    def forward(self, latents_BMW: Tensor, mask_BM: Tensor) -> KVCache:
        """Slots for `inject_prefix`: [L, B, H, M, D]."""
        mixed_BMW = self.block(latents_BMW, mask_BM)
        targets_BMF = self.up(mixed_BMW) * self.deviation_F + self.mean_F
        split = targets_BMF.unflatten(-1, self._heads_shape)
        keys_LBHMD, values_LBHMD = split.permute(2, 3, 0, 4, 1, 5)
        return KVCache(keys_LBHTD=keys_LBHMD, values_LBHTD=values_LBHMD, mask_BT=mask_BM)


class TokenBlock(nn.Module):
    """One pre-norm transformer block in both directions, with a learned relative bias."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self._heads = heads
        self.attention_norm = nn.LayerNorm(width)
        self.attention_in = nn.Linear(width, 3 * width)
        self.attention_out = nn.Linear(width, width)
        self.bias = nn.Embedding(2 * _REACH + 1, heads)
        self.feed_norm = nn.LayerNorm(width)
        self.feed_in = nn.Linear(width, 4 * width)
        self.feed_out = nn.Linear(4 * width, width)
        for last in (self.attention_out, self.feed_out, self.bias):
            nn.init.normal_(last.weight, std=_SMALL / 10)

    def forward(self, hidden_BTW: Tensor, mask_BT: Tensor) -> Tensor:
        hidden_BTW = hidden_BTW + self._attend(self.attention_norm(hidden_BTW), mask_BT)
        inner = functional.gelu(self.feed_in(self.feed_norm(hidden_BTW)))
        fed_BTW: Tensor = hidden_BTW + self.feed_out(inner)
        return fed_BTW

    def _attend(self, hidden_BTW: Tensor, mask_BT: Tensor) -> Tensor:
        projected = self.attention_in(hidden_BTW).unflatten(-1, (3, self._heads, -1))
        queries, keys, values = projected.permute(2, 0, 3, 1, 4)
        seen = self._relative_bias(mask_BT.shape[1])
        seen = seen.masked_fill(~mask_BT[:, None, None, :], torch.finfo(seen.dtype).min)
        attended = functional.scaled_dot_product_attention(queries, keys, values, attn_mask=seen)
        result: Tensor = self.attention_out(attended.transpose(1, 2).flatten(2))
        return result

    def _relative_bias(self, tokens: int) -> Tensor:
        """[1, heads, T, T]"""
        places = torch.arange(tokens, device=self.bias.weight.device)
        distance = (places[None, :] - places[:, None]).clamp(-_REACH, _REACH) + _REACH
        bias: Tensor = self.bias(distance).permute(2, 0, 1)[None]
        return bias


def flatten(cache: KVCache) -> Tensor:
    """A cache as features [B, T, F]: keys then values, layer by layer, head by head."""
    both = torch.stack([cache.keys_LBHTD, cache.values_LBHTD])
    return both.permute(2, 4, 0, 1, 3, 5).flatten(2)
