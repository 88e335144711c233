"""One-row caches as the rows of one, so that what was read apart is decoded together.

Legend: B batch, H KV heads, K columns, D head_dim.
"""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn.functional import pad

from latentflow.model.reading import ReadCache


def stack(caches: Sequence[ReadCache]) -> ReadCache:
    """One-row caches as the rows of one, padded on the right to the longest."""
    if len(caches) == 1:
        return caches[0]
    columns = max(cache.columns for cache in caches)
    return ReadCache(
        keys=_rows_of([cache.keys for cache in caches], columns),
        values=_rows_of([cache.values for cache in caches], columns),
        mask_BK=torch.cat([pad(cache.mask_BK, (0, columns - cache.columns)) for cache in caches]),
    )


def _rows_of(caches: Sequence[tuple[Tensor, ...]], columns: int) -> tuple[Tensor, ...]:
    return tuple(
        torch.cat([pad(row_BHKD, (0, 0, 0, columns - row_BHKD.shape[2])) for row_BHKD in layer])
        for layer in zip(*caches, strict=True)
    )
