"""Random texts as ids, and batches of them; owns no model."""

import torch
from torch import Tensor

from latentflow.model.tokens import pad_right
from tests.tiny_models import VOCABULARY


def random_rows(*lengths: int, seed: int = 0) -> list[list[int]]:
    """Rows of ordinary tokens (no special ones)."""
    random = torch.Generator().manual_seed(seed)
    return [torch.randint(3, VOCABULARY, (size,), generator=random).tolist() for size in lengths]


def batch(rows: list[list[int]]) -> tuple[Tensor, Tensor]:
    return pad_right(rows, device=torch.device("cpu"))


def one(row: list[int]) -> Tensor:
    """A row as ids [1, T]."""
    return torch.tensor([row])
