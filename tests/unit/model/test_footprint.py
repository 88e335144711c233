import torch
from torch import nn

from latentflow.model.backbone import Backbone
from latentflow.model.footprint import cache_bytes, weight_bytes
from latentflow.model.reading import read


def test_tied_weights_count_once_and_buffers_count() -> None:
    module = nn.Sequential(nn.Linear(4, 4, bias=False), nn.Linear(4, 4, bias=False))
    module[1].weight = module[0].weight
    module.register_buffer("mean", torch.zeros(3, dtype=torch.float16))
    assert weight_bytes(module) == 4 * 4 * 4 + 3 * 2


@torch.no_grad()
def test_a_cache_takes_as_many_bytes_as_its_tensors(backbone: Backbone) -> None:
    cache = read(backbone, torch.tensor([[1, 2, 3]]))
    held = sum(tensor.nbytes for tensor in (*cache.keys, *cache.values))
    assert cache_bytes(backbone, 3) == held
