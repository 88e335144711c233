"""The ground of `lcf`, `lcf-x` and `c2c`: the receiver's own cache, updated by what was sent.

Owns the way into the cache; what an update is made of is each method's. Legend: L updated layers,
B rows, K cache columns, T sent columns, C keys and values of a column, w sent numbers, H KV heads,
D head_dim.
"""

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional
from torch.utils.checkpoint import checkpoint

from latentflow.errors import InvalidInput
from latentflow.model.backbone import Backbone
from latentflow.model.capture import KVCache, without_positions
from latentflow.model.gates import LayerGates
from latentflow.model.injection import inject_residual
from latentflow.model.method import NO_SLOT, Latents, ReceiverHalf, Rows, SharerHalf
from latentflow.model.projector import LayerUpdate, scaled, stack_updates
from latentflow.model.reading import ReadCache, continue_from, require_fit
from latentflow.model.residual_spec import ResidualSpec
from latentflow.model.standard import Standard, side_by_side
from latentflow.model.tokens import pad_right

_MULTIPLE = 8  # lengths repeat, so that a CPU's kernels are prepared once


class ResidualSharer(SharerHalf):
    """Reads one layer of the sharer's cache for each layer that is updated."""

    def __init__(self, spec: ResidualSpec) -> None:
        super().__init__()
        self.spec = spec
        self.theirs = Standard(len(spec.layers), spec.sharer_columns)

    def columns(self, cache: KVCache) -> Tensor:
        """What is read, [L, B, T, C]: keys before RoPE."""
        return side_by_side(cache)[list(self.spec.sources)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Before:
    """What the receiver has read before the last token, and each column's slot or NO_SLOT."""

    cache: ReadCache
    slots_BK: Tensor


class ResidualReceiver(ReceiverHalf):
    """Reads all but the last token, updates what was read so far, and leaves the last token.

    The last token then reads everything updated, and the answer follows it.
    """

    def __init__(self, spec: ResidualSpec, *, sent_width: int, gate_start: float) -> None:
        super().__init__()
        self.spec = spec
        self._sent_shape = (len(spec.layers), sent_width)
        self.gates = LayerGates(len(spec.layers), start=gate_start)
        self.own = Standard(len(spec.layers), spec.receiver_columns)

    def ready(
        self, receiver: Backbone, own: ReadCache, latents: Latents, rows: Rows
    ) -> tuple[ReadCache, list[list[int]]]:
        if latents.rows != len(rows.ids):
            raise InvalidInput(field="latents", problem="must have a row for each row of tokens")
        if latents.values_BMLw.shape[2:] != self._sent_shape:
            raise InvalidInput(field="latents", problem=f"must be of {self._sent_shape} a slot")
        before = read_before_last(receiver, own, rows)
        return self.fuse(receiver, before, latents), [[row[-1]] for row in rows.ids]

    def fuse(self, receiver: Backbone, before: Before, latents: Latents) -> ReadCache:
        """R' = R + gate * weight * update at every column that something is for."""
        sent_LBTw, open_BK = self.sent(latents, before)
        cache = self.columns_of(receiver, before.cache)
        own_LBKC = self.own(side_by_side(cache)[list(self.spec.layers)])
        updates = {
            layer: scaled(self._updated(place, sent_LBTw[place], own_LBKC[place]), deviation_C)
            for place, (layer, deviation_C) in enumerate(
                zip(self.spec.layers, self.own.deviation_LC, strict=True)
            )
        }
        layer_gates = dict(zip(self.spec.layers, self.gates(), strict=True))
        update, key_gates, value_gates = stack_updates(
            updates, layer_gates, mask_BT=open_BK, layers=self.spec.receiver_layers
        )
        return self.inject(receiver, before.cache, update, (key_gates, value_gates))

    def _updated(self, place: int, sent_BTw: Tensor, own_BKC: Tensor) -> LayerUpdate:
        """With activation checkpointing: kept, what c2c holds inside would fill a machine."""
        if not torch.is_grad_enabled():
            return self.update(place, sent_BTw, own_BKC)
        again: LayerUpdate = checkpoint(
            self.update, place, sent_BTw, own_BKC, use_reentrant=False, preserve_rng_state=False
        )
        return again

    @abstractmethod
    def sent(self, latents: Latents, before: Before) -> tuple[Tensor, Tensor]:
        """What each column is sent, [L, B, K, w] or, one for all, [L, B, 1, w]; and which are
        sent anything, [B, K]."""

    @abstractmethod
    def update(self, place: int, sent_BTw: Tensor, own_BKC: Tensor) -> LayerUpdate:
        """Of the layer at `place` among the updated ones; `own_BKC` standardised."""

    def columns_of(self, receiver: Backbone, cache: ReadCache) -> KVCache:
        """The receiver's own columns as the update reads them: keys before RoPE."""
        return without_positions(receiver, cache)

    def inject(
        self, receiver: Backbone, cache: ReadCache, update: KVCache, gates: tuple[Tensor, Tensor]
    ) -> ReadCache:
        """The update as `columns_of` has its keys; gates of keys and of values, [L, B, H, T, 1]."""
        return inject_residual(
            receiver, cache, update, key_gates_LBHTD=gates[0], value_gates_LBHTD=gates[1]
        )


@torch.no_grad()
def read_before_last(receiver: Backbone, own: ReadCache, rows: Rows) -> Before:
    """`own` with all of each row but its last token read. Raises ContextTooLong, EmptyInput."""
    most = int(own.lengths.max()) + max(map(len, rows.ids)) + 1
    require_fit(receiver, most, field="prompt")
    ids_BT, mask_BT = _padded(rows.ids, receiver)
    cache = continue_from(receiver, own, ids_BT, mask_BT)[1]
    if not rows.slots:
        nowhere_BK = torch.full_like(cache.mask_BK, NO_SLOT, dtype=torch.long)
        return Before(cache=cache, slots_BK=nowhere_BK)
    slots_BT = _padded(rows.slots, receiver)[0].masked_fill(~mask_BT, NO_SLOT)
    own_columns = own.mask_BK.shape[1]
    return Before(cache=cache, slots_BK=functional.pad(slots_BT, (own_columns, 0), value=NO_SLOT))


def matched(latents: Latents, before: Before) -> tuple[Tensor, Tensor]:
    """Each column's slot of the same characters: [L, B, K, w], and which columns have one.

    Raises InvalidInput when none has, or when a slot is out of range.
    """
    slots_BK = before.slots_BK
    if not NO_SLOT < int(slots_BK.max()) < latents.mask_BM.shape[1]:
        raise InvalidInput(field="slots", problem="must name slots of the latents")
    picked_BK = slots_BK.clamp(min=0)
    each_B1 = torch.arange(latents.rows, device=picked_BK.device)[:, None]
    open_BK = (slots_BK != NO_SLOT) & latents.mask_BM[each_B1, picked_BK]
    return latents.values_BMLw[each_B1, picked_BK].permute(2, 0, 1, 3), open_BK


def _padded(rows: Sequence[Sequence[int]], receiver: Backbone) -> tuple[Tensor, Tensor]:
    """All but the last of each row."""
    return pad_right([row[:-1] for row in rows], device=receiver.device, multiple=_MULTIPLE)
