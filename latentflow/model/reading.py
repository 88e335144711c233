"""Running tokens through a backbone over what it has already read.

Owns `ReadCache`, the one form of a cache ready for attention, and its masks and positions: a
row's positions count its real columns, so padding may sit anywhere. Knows nothing of latents.
Legend: B batch, H KV heads, K cache columns, T new tokens, D head_dim, C hidden size.
"""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from transformers import DynamicCache
from transformers.cache_utils import DynamicLayer

from latentflow.errors import ContextTooLong, EmptyInput, InvalidInput
from latentflow.model.backbone import Backbone
from latentflow.model.shape import layer_types


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadCache:
    """Keys after RoPE and values, [B, H, K, D] a layer, whole: no layer is cut to its window.

    `mask_BK` says which columns are real. Never changed in place: reading on makes a new one.
    """

    keys: tuple[Tensor, ...]
    values: tuple[Tensor, ...]
    mask_BK: Tensor

    def __post_init__(self) -> None:
        rows, columns = self.mask_BK.shape
        for keys_BHKD, values_BHKD in zip(self.keys, self.values, strict=True):
            if keys_BHKD.shape != values_BHKD.shape:
                raise InvalidInput(field="values", problem="must have the keys' shape")
            if (keys_BHKD.shape[0], keys_BHKD.shape[2]) != (rows, columns):
                raise InvalidInput(field="mask", problem="must cover every row and column")

    @property
    def rows(self) -> int:
        return self.mask_BK.shape[0]

    @property
    def columns(self) -> int:
        return self.mask_BK.shape[1]

    @property
    def lengths(self) -> Tensor:
        """Real columns of each row [B]: the position of its next token."""
        return self.mask_BK.sum(-1)

    def select(self, rows_N: Tensor) -> "ReadCache":
        """The given rows, in that order; an index may repeat."""
        return ReadCache(
            keys=tuple(keys[rows_N] for keys in self.keys),
            values=tuple(values[rows_N] for values in self.values),
            mask_BK=self.mask_BK[rows_N],
        )

    def expand(self, rows: int) -> "ReadCache":
        """One row seen as `rows` equal ones, without copying."""
        return ReadCache(
            keys=tuple(keys.expand(rows, -1, -1, -1) for keys in self.keys),
            values=tuple(values.expand(rows, -1, -1, -1) for values in self.values),
            mask_BK=self.mask_BK.expand(rows, -1),
        )


def empty_cache(backbone: Backbone, rows: int) -> ReadCache:
    """A cache of no columns."""
    shape = backbone.shape
    nothing = torch.empty(
        rows, shape.kv_heads, 0, shape.head_dim, device=backbone.device, dtype=backbone.dtype
    )
    return ReadCache(
        keys=(nothing,) * shape.layers,
        values=(nothing,) * shape.layers,
        mask_BK=torch.empty(rows, 0, device=backbone.device, dtype=torch.bool),
    )


def read(backbone: Backbone, ids_BT: Tensor, mask_BT: Tensor | None = None) -> ReadCache:
    """The cache of a text read from position 0, such as the receiver's own prefix.

    `mask_BT` is True at real tokens (right padding). Raises EmptyInput, ContextTooLong.
    """
    require_fit(backbone, real_tokens(ids_BT, mask_BT), field="prompt")
    _, cache = continue_from(backbone, empty_cache(backbone, ids_BT.shape[0]), ids_BT, mask_BT)
    return cache


def continue_from(
    backbone: Backbone,
    cache: ReadCache,
    ids_BT: Tensor,
    mask_BT: Tensor | None = None,
    *,
    starts_BT: Tensor | None = None,
) -> tuple[Tensor, ReadCache]:
    """Reads `ids_BT` after `cache`: final hidden states [B, T, C] (normed) and the longer cache.

    A row's first real token takes the position after its last real column. Differentiable with
    respect to the cache. `cache` of one row serves any number of rows.
    With `starts_BT`, the column of `ids_BT` where each token's own continuation starts, a row
    holds several continuations side by side, none of which sees another; the longer cache is
    then of no use.
    """
    rows, tokens = ids_BT.shape
    new_BT = torch.ones_like(ids_BT, dtype=torch.bool) if mask_BT is None else mask_BT.bool()
    past = cache.expand(rows) if cache.rows == 1 else cache
    mask_BK = torch.cat([past.mask_BK, new_BT], dim=1)
    positions_BK = positions_of(mask_BK)
    if starts_BT is not None:
        positions_BK = _beside(past, positions_BK, starts_BT)
    seen_BTK = _seen(mask_BK, tokens, starts_BT)
    layers = _as_transformers(past)
    output = _decoder(backbone)(
        input_ids=ids_BT,
        attention_mask=_attention_masks(backbone, seen_BTK, positions_BK),
        position_ids=positions_BK[:, -tokens:],
        past_key_values=layers,
        use_cache=True,
    )
    return output.last_hidden_state, _from_transformers(layers, mask_BK)


def positions_of(mask_BK: Tensor) -> Tensor:
    """Position of each column: how many real columns of its row come before it."""
    return (mask_BK.long().cumsum(-1) - 1).clamp(min=0)


def real_tokens(ids_BT: Tensor, mask_BT: Tensor | None) -> int:
    """Length of the longest row. Raises EmptyInput when a row has no token."""
    lengths_B = torch.full((len(ids_BT),), ids_BT.shape[1]) if mask_BT is None else mask_BT.sum(-1)
    if len(lengths_B) == 0 or int(lengths_B.min()) == 0:
        raise EmptyInput(field="tokens")
    return int(lengths_B.max())


def require_fit(backbone: Backbone, tokens: int, *, field: str) -> None:
    """Raises ContextTooLong when `tokens` positions are more than the model has."""
    limit = backbone.shape.max_positions
    if tokens > limit:
        raise ContextTooLong(field=field, tokens=tokens, limit=limit)


def _decoder(backbone: Backbone) -> Any:
    """The model without its output head, which nobody needs at every position."""
    return backbone.model.base_model


def _beside(past: ReadCache, positions_BK: Tensor, starts_BT: Tensor) -> Tensor:
    """Positions when each continuation begins anew behind the past."""
    places_T = torch.arange(starts_BT.shape[1], device=starts_BT.device)
    own_BT = past.lengths[:, None] + places_T - starts_BT
    return torch.cat([positions_BK[:, : past.mask_BK.shape[1]], own_BT], dim=1)


def _seen(mask_BK: Tensor, tokens: int, starts_BT: Tensor | None) -> Tensor:
    """Which columns [B, T, K] each of the last `tokens` columns may see, window or not."""
    columns_K = torch.arange(mask_BK.shape[1], device=mask_BK.device)
    past = mask_BK.shape[1] - tokens
    seen_BTK = mask_BK[:, None, :] & (columns_K <= columns_K[past:, None])
    if starts_BT is None:
        return seen_BTK
    own_BTK = columns_K >= (past + starts_BT)[:, :, None]
    return seen_BTK & (own_BTK | (columns_K < past))


def _attention_masks(
    backbone: Backbone, seen_BTK: Tensor, positions_BK: Tensor
) -> Tensor | dict[str, Tensor]:
    """Masks [B, 1, T, K] for the last T columns: one a layer type where the model asks."""
    windows = dict(zip(layer_types(backbone.config), backbone.shape.sliding_windows, strict=True))
    masks = {
        kind: _ready(backbone, _within(seen_BTK, positions_BK, window)[:, None])
        for kind, window in windows.items()
    }
    by_type = getattr(backbone.config, "layer_types", None) is not None
    return masks if by_type else next(iter(masks.values()))


def _within(seen_BTK: Tensor, positions_BK: Tensor, window: int | None) -> Tensor:
    """By position, not by column, so that a window is right also across padding."""
    if window is None:
        return seen_BTK
    queries_BT = positions_BK[:, -seen_BTK.shape[1] :]
    return seen_BTK & (queries_BT[:, :, None] - positions_BK[:, None, :] < window)


def _ready(backbone: Backbone, seen_BTK: Tensor) -> Tensor:
    """sdpa takes booleans; eager attention adds its mask to the scores."""
    if backbone.config._attn_implementation == "sdpa":
        return seen_BTK
    hidden = torch.finfo(backbone.dtype).min
    return torch.zeros_like(seen_BTK, dtype=backbone.dtype).masked_fill(~seen_BTK, hidden)


def _as_transformers(cache: ReadCache) -> DynamicCache:
    """transformers' cache over the same tensors; it appends by concatenation, never in place."""
    layers = DynamicCache()
    new_layer: Any = DynamicLayer
    for keys, values in zip(cache.keys, cache.values, strict=True):
        layer = new_layer()
        layer.lazy_initialization(keys, values)
        layer.keys, layer.values = keys, values
        layers.layers.append(layer)
    return layers


def _from_transformers(cache: DynamicCache, mask_BK: Tensor) -> ReadCache:
    layers: list[Any] = cache.layers
    return ReadCache(
        keys=tuple(layer.keys for layer in layers),
        values=tuple(layer.values for layer in layers),
        mask_BK=mask_BK,
    )
