"""A trained prefix of the receiver's cache that knows nothing of any context.

Owns the control of methods.md section 6: what an adapter's parameters, spent on the receiver
alone, teach it of a task's form. Reparameterised as in prefix tuning (Li and Liang 2021, section
4.3). Legend: L layers, H KV heads, M slots, D head_dim, F values of a slot, e embedding width.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from latentflow.errors import InvalidInput
from latentflow.model.capture import KVCache
from latentflow.model.prefix import flatten
from latentflow.model.shape import ModelShape


@dataclass(frozen=True, slots=True, kw_only=True)
class SoftSpec:
    """`slots` vectors of `width` become keys and values through one hidden layer of `hidden`."""

    layers: int
    kv_heads: int
    head_dim: int
    hidden: int
    slots: int = 32
    width: int = 256

    def __post_init__(self) -> None:
        if min(self.layers, self.kv_heads, self.head_dim, self.hidden, self.slots, self.width) < 1:
            raise InvalidInput(field="soft prefix", problem="every size must be at least 1")

    @property
    def targets(self) -> int:
        """Keys and values of every layer at one slot."""
        return 2 * self.layers * self.kv_heads * self.head_dim


def soft_spec(receiver: ModelShape, *, parameters: int) -> SoftSpec:
    """With as near to `parameters` as whole units allow. Raises InvalidInput for too few."""
    least = SoftSpec(
        layers=receiver.layers,
        kv_heads=receiver.kv_heads,
        head_dim=receiver.head_dim,
        hidden=1,
    )
    fixed = least.slots * least.width + least.targets
    hidden = (parameters - fixed) // (least.width + 1 + least.targets)
    return SoftSpec(
        layers=least.layers, kv_heads=least.kv_heads, head_dim=least.head_dim, hidden=hidden
    )


class SoftPrefix(nn.Module):
    """One and the same prefix for every case: a text's own slots, and what was learnt on top."""

    base_MF: Tensor
    deviation_F: Tensor

    def __init__(self, spec: SoftSpec) -> None:
        super().__init__()
        self._heads_shape = (2, spec.layers, spec.kv_heads, spec.head_dim)
        self.vectors = nn.Parameter(torch.randn(spec.slots, spec.width))
        self.inner = nn.Linear(spec.width, spec.hidden)
        self.up = nn.Linear(spec.hidden, spec.targets)
        self.register_buffer("base_MF", torch.zeros(spec.slots, spec.targets))
        self.register_buffer("deviation_F", torch.ones(spec.targets))
        nn.init.zeros_(self.up.weight)
        nn.init.zeros_(self.up.bias)

    @torch.no_grad()
    def begin_as(self, text: KVCache) -> None:
        """Starts as the first slots of a text, one row of at least two tokens, repeated to fill."""
        values_TF = flatten(text.keys_LBHTD, text.values_LBHTD)[0].float()
        places_M = torch.arange(len(self.base_MF), device=values_TF.device) % len(values_TF)
        self.base_MF.copy_(values_TF[places_M])
        self.deviation_F.copy_(values_TF.std(0).clamp(min=1e-4))

    def forward(self) -> KVCache:
        """Slots for `inject_prefix`, one row: [L, 1, H, M, D]."""
        inner_Mh = functional.gelu(self.inner(self.vectors))
        targets_MF = self.up(inner_Mh) * self.deviation_F + self.base_MF
        split = targets_MF.unflatten(-1, self._heads_shape)
        keys_LHMD, values_LHMD = split.permute(1, 2, 3, 0, 4)
        return KVCache(
            keys_LBHTD=keys_LHMD[:, None],
            values_LBHTD=values_LHMD[:, None],
            mask_BT=torch.ones(1, len(targets_MF), dtype=torch.bool, device=targets_MF.device),
        )
