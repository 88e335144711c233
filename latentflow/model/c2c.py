"""`c2c`: both models read one text, and the sharer's cache travels whole (methods.md §2).

Owns the large fuser that LCF is measured against. As in the paper keys are after RoPE on both
sides; the sharer's stand at positions counted from the shared text's beginning, the receiver's
behind its own prefix: at equal tokens a constant apart, which is a rotation and so linear.
Legend: L updated layers, B rows, T sharer tokens, K receiver columns, C keys and values of one,
S and R keys (or values) of a sharer's and a receiver's column, H hidden width.
"""

import torch
from torch import Tensor, nn
from torch.nn.functional import gelu, rms_norm

from latentflow.model.backbone import Backbone
from latentflow.model.capture import KVCache
from latentflow.model.injection import add_residual
from latentflow.model.method import Latents, require_budget
from latentflow.model.projector import LayerUpdate, begin_small, by_head
from latentflow.model.reading import ReadCache, positions_of
from latentflow.model.residual import Before, ResidualReceiver, ResidualSharer, matched
from latentflow.model.residual_spec import ResidualSpec
from latentflow.model.rope import Rope
from latentflow.model.standard import side_by_side

HIDDEN = 1024
_UPDATE_BLOCKS = 2


class C2CSharer(ResidualSharer):
    """The cache of the layers that are read; nothing in it is learnt."""

    def __init__(self, spec: ResidualSpec, rope: Rope) -> None:
        super().__init__(spec)
        self.budgets = (spec.sharer_columns,)
        self._rope = rope

    def columns(self, cache: KVCache) -> Tensor:
        """What is read, [L, B, T, C]: keys after RoPE."""
        positions_BT, sources = positions_of(cache.mask_BT), list(self.spec.sources)
        keys = [
            self._rope.rotate(cache.keys_LBHTD[layer], positions_BT, layer) for layer in sources
        ]
        turned = KVCache(
            keys_LBHTD=torch.stack(keys),
            values_LBHTD=cache.values_LBHTD[sources],
            mask_BT=cache.mask_BT,
        )
        return side_by_side(turned)

    def latents(self, cache: KVCache, budget: int) -> Latents:
        require_budget(budget, self.budgets)
        columns_LBTC = self.theirs(self.columns(cache))
        return Latents(values_BMLw=columns_LBTC.permute(1, 2, 0, 3), mask_BM=cache.mask_BT)


class C2CReceiver(ResidualReceiver):
    """Each column is fused with the sharer's of the same characters, keys and values apart."""

    def __init__(self, spec: ResidualSpec) -> None:
        super().__init__(spec, sent_width=spec.sharer_columns, gate_start=0.0)
        self.layers = nn.ModuleList(LayerFuser(spec) for _ in spec.layers)

    def sent(self, latents: Latents, before: Before) -> tuple[Tensor, Tensor]:
        return matched(latents, before)

    def update(self, place: int, sent_BTw: Tensor, own_BKC: Tensor) -> LayerUpdate:
        update: LayerUpdate = self.layers[place](sent_BTw, own_BKC)
        return update

    def columns_of(self, receiver: Backbone, cache: ReadCache) -> KVCache:
        return KVCache(
            keys_LBHTD=torch.stack(cache.keys),
            values_LBHTD=torch.stack(cache.values),
            mask_BT=cache.mask_BK,
        )

    def inject(
        self, receiver: Backbone, cache: ReadCache, update: KVCache, gates: tuple[Tensor, Tensor]
    ) -> ReadCache:
        return add_residual(
            receiver, cache, update, key_gates_LBHTD=gates[0], value_gates_LBHTD=gates[1]
        )


class LayerFuser(nn.Module):
    """The two fusers of one receiver layer."""

    def __init__(self, spec: ResidualSpec) -> None:
        super().__init__()
        self.keys = Fuser(spec)
        self.values = Fuser(spec)

    def forward(self, sharer_BKC: Tensor, own_BKC: Tensor) -> LayerUpdate:
        sharer_keys, sharer_values = sharer_BKC.chunk(2, dim=-1)
        own_keys, own_values = own_BKC.chunk(2, dim=-1)
        keys_BHTD, key_gates_BHT1 = self.keys(sharer_keys, own_keys)
        values_BHTD, value_gates_BHT1 = self.values(sharer_values, own_values)
        return LayerUpdate(
            keys_BHTD=keys_BHTD,
            values_BHTD=values_BHTD,
            key_gates_BHT1=key_gates_BHT1,
            value_gates_BHT1=value_gates_BHT1,
        )


class Fuser(nn.Module):
    """Of keys or of values: one linear map in, then a branch for the update and one for weights."""

    def __init__(self, spec: ResidualSpec) -> None:
        super().__init__()
        self._heads = (spec.receiver_kv_heads, spec.receiver_head_dim)
        sharer, receiver = spec.sharer_columns // 2, spec.receiver_columns // 2
        self.join = nn.Linear(sharer + receiver, spec.width)
        self.update_blocks = nn.Sequential(*(FuserBlock(spec.width) for _ in range(_UPDATE_BLOCKS)))
        self.update = nn.Linear(spec.width, receiver)
        self.weight_block = FuserBlock(spec.width)
        self.weight = nn.Linear(spec.width, spec.receiver_kv_heads)
        begin_small(self.update)

    def forward(self, sharer_BKS: Tensor, own_BKR: Tensor) -> tuple[Tensor, Tensor]:
        """The update [B, heads, K, head_dim] and each head's weight of it [B, heads, K, 1]."""
        joined_BKH = self.join(torch.cat([sharer_BKS, own_BKR], dim=-1))
        update_BKR = self.update(self.update_blocks(joined_BKH))
        weights_BKh = self.weight(self.weight_block(joined_BKH)).sigmoid()
        return by_head(update_BKR, self._heads), weights_BKh.transpose(1, 2)[..., None]


class FuserBlock(nn.Module):
    """x + W2 GELU(W1 RMSNorm(x)), without biases."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(width))
        self.up = nn.Linear(width, width, bias=False)
        self.down = nn.Linear(width, width, bias=False)

    def forward(self, x_BKH: Tensor) -> Tensor:
        normed_BKH = rms_norm(x_BKH, x_BKH.shape[-1:], self.scale.to(x_BKH.dtype))
        out_BKH: Tensor = x_BKH + self.down(gelu(self.up(normed_BKH)))
        return out_BKH
