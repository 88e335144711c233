"""Layer gates: how much of a layer's update is let in, one for its keys and one for its values.

Owns their training (Gumbel-sigmoid, methods.md section 2) and their use (open or shut).
Legend: L layers.
"""

import torch
from torch import Tensor, nn


class LayerGates(nn.Module):
    """A logit a layer for keys and one for values. In training noisy and soft, in use 0 or 1."""

    def __init__(self, layers: int, *, start: float) -> None:
        super().__init__()
        self.logits_L2 = nn.Parameter(torch.full((layers, 2), start))
        self._temperature = 1.0
        self._noise = torch.Generator()

    def anneal(self, temperature: float, *, seed: int) -> None:
        """For the next step: the colder, the nearer to 0 or 1. The same seed is the same noise."""
        self._temperature = temperature
        self._noise.manual_seed(seed)

    def forward(self) -> Tensor:
        """[L, 2]"""
        if self.training:
            return gumbel_gates(self.logits_L2, self._temperature, self._noise)
        return hard_gates(self.logits_L2)


def hard_gates(logits: Tensor) -> Tensor:
    """A layer's gate g in use: 1 where its logit is positive, else 0."""
    return (logits > 0).to(logits.dtype)


def gumbel_gates(logits: Tensor, temperature: float, noise: torch.Generator) -> Tensor:
    """A layer's gate g in training: Gumbel-sigmoid, annealed 1 to 0.001 (methods.md §2)."""
    uniform = torch.rand(logits.shape, generator=noise).clamp(1e-6, 1 - 1e-6)
    logistic = uniform.logit().to(logits.device, logits.dtype)
    return ((logits + logistic) / temperature).sigmoid()
