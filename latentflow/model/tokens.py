"""Rows of token ids as one batch, padded on the right.

Owns padding and spans of text as tokens; knows nothing of models.
Legend: B batch, T tokens.
"""

from collections.abc import Sequence

import torch
from torch import Tensor
from transformers import PreTrainedTokenizerBase

from latentflow.errors import EmptyInput


def pad_right(
    rows: Sequence[Sequence[int]], *, device: torch.device, multiple: int = 1
) -> tuple[Tensor, Tensor]:
    """Ids [B, T] and mask [B, T], True at real tokens; T is a multiple of `multiple`.

    Raises EmptyInput when there is no row or a row has no token.
    """
    if not rows or not all(rows):
        raise EmptyInput(field="tokens")
    longest = max(map(len, rows))
    width = -(-longest // multiple) * multiple
    ids = [[*row, *[0] * (width - len(row))] for row in rows]
    mask = [[True] * len(row) + [False] * (width - len(row)) for row in rows]
    return torch.tensor(ids, device=device), torch.tensor(mask, device=device)


def plain_ids(tokenizer: PreTrainedTokenizerBase, text: str) -> list[int]:
    """Ids of `text` as it stands inside a prompt: no token added in front or behind."""
    ids: list[int] = tokenizer(text, add_special_tokens=False)["input_ids"]
    return ids


def begin_ids(tokenizer: PreTrainedTokenizerBase) -> list[int]:
    """The token that begins a text, where the model has one."""
    return [] if tokenizer.bos_token_id is None else [int(tokenizer.bos_token_id)]
