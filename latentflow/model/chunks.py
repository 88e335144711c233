"""Reading a long text in chunks, so that it can be watched and stopped between them.

Owns the chunks' size; knows nothing of what the tokens mean. Legend: B batch, T tokens.
"""

from collections.abc import Callable, Sequence

import torch

from latentflow.errors import Cancelled
from latentflow.model.backbone import Backbone
from latentflow.model.capture import CHUNK_TOKENS
from latentflow.model.reading import ReadCache, continue_from


def _never() -> bool:
    return False


@torch.no_grad()
def read_on(
    backbone: Backbone,
    cache: ReadCache,
    ids: Sequence[int],
    *,
    on_tokens: Callable[[int], None] = lambda _done: None,
    is_cancelled: Callable[[], bool] = _never,
) -> ReadCache:
    """`cache` of one row with `ids` read behind it; `cache` itself when there are none.

    After each chunk `on_tokens` hears how many of `ids` are read; before each one `is_cancelled`
    is asked. Raises Cancelled.
    """
    for start in range(0, len(ids), CHUNK_TOKENS):
        if is_cancelled():
            raise Cancelled()
        chunk = ids[start : start + CHUNK_TOKENS]
        ids_BT = torch.tensor([list(chunk)], device=backbone.device)
        _, cache = continue_from(backbone, cache, ids_BT)
        on_tokens(start + len(chunk))
    return cache
