"""Keys and values of a column as one vector, on a scale that learns well.

Legend: L layers, B rows, T columns, N real columns, C keys and values of a column.
"""

import torch
from torch import Tensor, nn

from latentflow.model.capture import KVCache

_LEAST_DEVIATION = 1e-3


class Standard(nn.Module):
    """Channels' mean and deviation, a layer each; 0 and 1, the papers' way, until measured.

    No parameters: the linear map behind it could take both in, but learns faster without.
    """

    mean_LC: Tensor
    deviation_LC: Tensor

    def __init__(self, layers: int, channels: int) -> None:
        super().__init__()
        self.register_buffer("mean_LC", torch.zeros(layers, channels))
        self.register_buffer("deviation_LC", torch.ones(layers, channels))

    def forward(self, columns_LBTC: Tensor) -> Tensor:
        centred_LBTC = columns_LBTC.float() - self.mean_LC[:, None, None]
        return centred_LBTC / self.deviation_LC[:, None, None]

    @torch.no_grad()
    def measure(self, columns_LBTC: Tensor, mask_BT: Tensor) -> None:
        """From real columns, at least two."""
        columns_LNC = columns_LBTC[:, mask_BT].float()
        self.mean_LC.copy_(columns_LNC.mean(1))
        self.deviation_LC.copy_(columns_LNC.std(1).clamp(min=_LEAST_DEVIATION))


def side_by_side(cache: KVCache) -> Tensor:
    """[K; V] of each column, [L, B, T, 2 * H * D]."""
    both = torch.cat([cache.keys_LBHTD, cache.values_LBHTD], dim=2)
    return both.transpose(2, 3).flatten(3)
