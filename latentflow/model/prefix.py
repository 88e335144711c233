"""`lcf-prefix`: one vector a context token, decoded to a prefix of the receiver's cache.

Owns the adapter's two halves; how they are trained is `latentflow.training`'s. Design and figures:
docs/decisions/0002-token-wise-prefix.md and 0012-fewer-bits.md, after the study of this pair.
Legend: L layers, B batch, H KV heads, T tokens, M slots, D head_dim, F features, W latent width.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from latentflow.errors import InvalidInput
from latentflow.model.backbone import Backbone
from latentflow.model.capture import KVCache
from latentflow.model.injection import inject_prefix
from latentflow.model.method import (
    Latents,
    ReceiverHalf,
    Rows,
    SharerHalf,
    require_budget,
)
from latentflow.model.reading import ReadCache
from latentflow.model.shape import ModelShape
from latentflow.quantisation import SIXTEENTHS

_REACH = 32  # distances beyond this share one relative bias
_SMALL = 0.002


@dataclass(frozen=True, slots=True, kw_only=True)
class PrefixSpec:
    """Sizes of an `lcf-prefix` adapter: `width` numbers a token, in order of importance.

    `layers` are the sharer's layers whose cache is read.
    """

    layers: tuple[int, ...]
    sharer_kv_width: int
    receiver_layers: int
    receiver_kv_heads: int
    receiver_head_dim: int
    width: int
    heads: int = 4
    decoder_blocks: int = 2

    def __post_init__(self) -> None:
        sizes = [self.sharer_kv_width, self.receiver_layers, self.receiver_kv_heads]
        sizes += [self.receiver_head_dim, self.width, self.heads, self.decoder_blocks]
        if min(sizes) < 1:
            raise InvalidInput(field="hyperparameters", problem="every size must be at least 1")
        if not self.layers or min(self.layers) < 0:
            raise InvalidInput(field="layers", problem="must have one, and none below 0")
        if self.width % self.heads or self.width % SIXTEENTHS:
            problem = f"must be a multiple of {SIXTEENTHS} and of heads"
            raise InvalidInput(field="width", problem=problem)

    @property
    def features(self) -> int:
        """Keys and values of every layer read, at one token."""
        return 2 * len(self.layers) * self.sharer_kv_width

    @property
    def targets(self) -> int:
        """Keys and values of every receiver layer at one slot."""
        return 2 * self.receiver_layers * self.receiver_kv_heads * self.receiver_head_dim


def prefix_spec(sharer: ModelShape, receiver: ModelShape, *, width: int, stride: int) -> PrefixSpec:
    """The adapter's sizes for an ordered pair of models, reading every `stride`-th sharer layer.

    Neighbouring layers say nearly the same: half of them lose 2 points of R2 in the closed form.
    """
    return PrefixSpec(
        layers=tuple(range(0, sharer.layers, stride)),
        sharer_kv_width=sharer.kv_width,
        receiver_layers=receiver.layers,
        receiver_kv_heads=receiver.kv_heads,
        receiver_head_dim=receiver.head_dim,
        width=width,
    )


class PrefixEncoder(SharerHalf):
    """The sharer's half: its cache to latents."""

    mean_F: Tensor
    deviation_F: Tensor

    def __init__(self, spec: PrefixSpec) -> None:
        super().__init__()
        self.budgets = (spec.width,)
        self.layers = list(spec.layers)
        self.register_buffer("mean_F", torch.zeros(spec.features))
        self.register_buffer("deviation_F", torch.ones(spec.features))
        self.down = nn.Linear(spec.features, spec.width)
        self.block = TokenBlock(spec.width, spec.heads)

    def features(self, cache: KVCache) -> Tensor:
        """What is read of a sharer's cache: [B, T, F]."""
        return flatten(cache.keys_LBHTD[self.layers], cache.values_LBHTD[self.layers])

    def forward(self, cache: KVCache) -> Tensor:
        """Latents [B, T, W], a token each."""
        features_BTF = (self.features(cache).float() - self.mean_F) / self.deviation_F
        latents_BTW: Tensor = self.block(self.down(features_BTF).float(), cache.mask_BT)
        return latents_BTW

    def latents(self, cache: KVCache, budget: int) -> Latents:
        require_budget(budget, self.budgets)
        return Latents(values_BMLw=self(cache)[:, :, None], mask_BM=cache.mask_BT)


class PrefixDecoder(ReceiverHalf):
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
        self._width = spec.width
        self.blocks = nn.ModuleList(
            TokenBlock(spec.width, spec.heads) for _ in range(spec.decoder_blocks)
        )
        self.up = nn.Linear(spec.width, spec.targets)
        self.register_buffer("mean_F", torch.zeros(spec.targets))
        self.register_buffer("deviation_F", torch.ones(spec.targets))

    def forward(self, latents_BMW: Tensor, mask_BM: Tensor) -> KVCache:
        """Slots for `inject_prefix`: [L, B, H, M, D]. Raises InvalidInput for another width."""
        if latents_BMW.shape[-1] != self._width:
            raise InvalidInput(field="width", problem=f"must be {self._width}")
        for block in self.blocks:
            latents_BMW = block(latents_BMW, mask_BM)
        targets_BMF = self.up(latents_BMW) * self.deviation_F + self.mean_F
        split = targets_BMF.unflatten(-1, self._heads_shape)
        keys_LBHMD, values_LBHMD = split.permute(2, 3, 0, 4, 1, 5)
        return KVCache(keys_LBHTD=keys_LBHMD, values_LBHTD=values_LBHMD, mask_BT=mask_BM)

    def ready(
        self, receiver: Backbone, own: ReadCache, latents: Latents, rows: Rows
    ) -> tuple[ReadCache, list[list[int]]]:
        """The latents stand behind `own`, and all of `rows` is still to be read."""
        if latents.values_BMLw.shape[2] != 1:
            raise InvalidInput(field="latents", problem="must be of one layer")
        slots = self(latents.values_BMLw[:, :, 0], latents.mask_BM)
        return inject_prefix(receiver, own, slots), list(map(list, rows.ids))


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
            nn.init.normal_(last.weight, std=_SMALL)

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


def flatten(keys_LBHTD: Tensor, values_LBHTD: Tensor) -> Tensor:
    """Features [B, T, F]: keys then values, layer by layer, head by head."""
    both = torch.stack([keys_LBHTD, values_LBHTD])
    return both.permute(2, 4, 0, 1, 3, 5).flatten(2)
