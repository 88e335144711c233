"""How a sharer reads contexts for an adapter: which tokens, and which of them become features.

Owns that the beginning token is read but not passed on: it is the attention sink and says
nothing of the context. Knows nothing of what an adapter makes of the rest.
"""

from collections.abc import Callable, Sequence

from latentflow.errors import ContextTooLong, EmptyInput
from latentflow.model.backbone import Backbone
from latentflow.model.capture import KVCache, capture
from latentflow.model.tokens import begin_ids, pad_right, plain_ids


def context_ids(sharer: Backbone, context: str) -> list[int]:
    """The context's tokens as the sharer reads them, its beginning token first.

    Raises EmptyInput, ContextTooLong.
    """
    if not context.strip():
        raise EmptyInput(field="context")
    ids = begin_ids(sharer.tokenizer) + plain_ids(sharer.tokenizer, context.strip())
    limit = sharer.shape.max_positions
    if len(ids) > limit:
        raise ContextTooLong(field="context", tokens=len(ids), limit=limit)
    return ids


def capture_contexts(
    sharer: Backbone,
    rows: Sequence[Sequence[int]],
    *,
    on_tokens: Callable[[int], None] = lambda _done: None,
    is_cancelled: Callable[[], bool] = lambda: False,
    multiple: int = 1,
) -> KVCache:
    """The sharer's cache of each row of `context_ids`, without the beginning token's column."""
    ids_BT, mask_BT = pad_right(rows, device=sharer.device, multiple=multiple)
    cache = capture(sharer, ids_BT, mask_BT, on_tokens=on_tokens, is_cancelled=is_cancelled)
    return cache.slice_tokens(len(begin_ids(sharer.tokenizer)), cache.tokens)
