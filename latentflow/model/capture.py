"""Reading a context and taking its keys and values out, free of positions.

Owns `KVCache`, the position-free form that adapters read and write; knows nothing of adapters.
Legend: L layers, B batch, H KV heads, T tokens, D head_dim.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from latentflow.errors import Cancelled, InvalidInput
from latentflow.model.backbone import Backbone
from latentflow.model.reading import (
    ReadCache,
    continue_from,
    empty_cache,
    positions_of,
    real_tokens,
    require_fit,
)

CHUNK_TOKENS = 256


def _never() -> bool:
    return False


def _ignore(_done: int) -> None:
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class KVCache:
    """Keys before RoPE (after any key norm) and values, [L, B, H, T, D] each.

    `mask_BT` is True at real tokens; what lies under False has no meaning.
    """

    keys_LBHTD: Tensor
    values_LBHTD: Tensor
    mask_BT: Tensor

    def __post_init__(self) -> None:
        shape = self.keys_LBHTD.shape
        if len(shape) != 5 or shape != self.values_LBHTD.shape:
            raise InvalidInput(field="values", problem="must be [L, B, H, T, D] like the keys")
        if self.mask_BT.shape != (shape[1], shape[3]) or self.mask_BT.dtype != torch.bool:
            raise InvalidInput(field="mask", problem="must be boolean [B, T]")

    @property
    def rows(self) -> int:
        return self.mask_BT.shape[0]

    @property
    def tokens(self) -> int:
        """Columns, padding included."""
        return self.mask_BT.shape[1]

    def row(self, index: int) -> "KVCache":
        """One row, as a cache of one."""
        rows = slice(index, index + 1)
        return KVCache(
            keys_LBHTD=self.keys_LBHTD[:, rows],
            values_LBHTD=self.values_LBHTD[:, rows],
            mask_BT=self.mask_BT[rows],
        )

    def slice_tokens(self, start: int, stop: int) -> "KVCache":
        """Columns `start` to `stop` (not included) of every row."""
        return KVCache(
            keys_LBHTD=self.keys_LBHTD[..., start:stop, :],
            values_LBHTD=self.values_LBHTD[..., start:stop, :],
            mask_BT=self.mask_BT[:, start:stop],
        )


@torch.no_grad()
def capture(
    backbone: Backbone,
    ids_BT: Tensor,
    mask_BT: Tensor | None = None,
    *,
    chunk_tokens: int = CHUNK_TOKENS,
    on_tokens: Callable[[int], None] = _ignore,
    is_cancelled: Callable[[], bool] = _never,
) -> KVCache:
    """Reads `ids_BT` (padded on the right) in chunks and returns its position-free cache.

    After each chunk `on_tokens` hears how many columns are done; before each one
    `is_cancelled` is asked. Every layer is captured whole, whatever its window.
    Raises EmptyInput, ContextTooLong, Cancelled.
    """
    require_fit(backbone, real_tokens(ids_BT, mask_BT), field="context")
    real_BT = torch.ones_like(ids_BT, dtype=torch.bool) if mask_BT is None else mask_BT.bool()
    cache = empty_cache(backbone, ids_BT.shape[0])
    for start in range(0, ids_BT.shape[1], chunk_tokens):
        if is_cancelled():
            raise Cancelled()
        chunk = slice(start, start + chunk_tokens)
        _, cache = continue_from(backbone, cache, ids_BT[:, chunk], real_BT[:, chunk])
        on_tokens(cache.mask_BK.shape[1])
    return without_positions(backbone, cache)


def without_positions(backbone: Backbone, cache: ReadCache) -> KVCache:
    """What a cache holds, with its keys turned back to before RoPE."""
    positions_BT = positions_of(cache.mask_BK)
    keys = [
        backbone.rope.unrotate(keys_BHTD, positions_BT, layer)
        for layer, keys_BHTD in enumerate(cache.keys)
    ]
    return KVCache(
        keys_LBHTD=torch.stack(keys),
        values_LBHTD=torch.stack(cache.values),
        mask_BT=cache.mask_BK,
    )
