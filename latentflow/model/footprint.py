"""How many bytes models and caches take; knows no budget."""

from itertools import chain

import torch
from torch import nn

from latentflow.model.backbone import Backbone


def weight_bytes(module: nn.Module) -> int:
    """Parameters and buffers; what is tied counts once."""
    return sum(tensor.nbytes for tensor in chain(module.parameters(), module.buffers()))


def cache_bytes(backbone: Backbone, positions: int) -> int:
    """Keys and values of every layer at every position, one row."""
    shape = backbone.shape
    return 2 * shape.layers * shape.kv_width * positions * backbone.dtype.itemsize


def allocated_bytes(device: torch.device) -> int:
    """All that torch has allocated on a CUDA device. It does not count so on others."""
    return torch.cuda.memory_allocated(device)
