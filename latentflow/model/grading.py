"""What graded packing leaves of a vector, so that an adapter learns to do without the rest.

Owns fake quantisation with a straight-through estimator (Bengio et al. 2013, arXiv 1308.3432); the
bits are `latentflow.quantisation`'s.
"""

import torch
from torch import Tensor

from latentflow.quantisation import Grade, Quantisation, grades


def graded(values_W: Tensor, quantisation: Quantisation) -> Tensor:
    """`values_W`, [..., W], as they arrive; their gradients pass as if nothing were rounded.

    What is not graded stays as it is.
    """
    parts = [
        _rounded(values_W[..., grade.start : grade.stop].detach(), grade)
        for grade in grades(quantisation, values_W.shape[-1])
    ]
    return values_W + (torch.cat(parts, dim=-1) - values_W.detach()) if parts else values_W


def _rounded(values: Tensor, grade: Grade) -> Tensor:
    if not grade.bits:
        return torch.zeros_like(values)
    codes = (values / grade.step).floor().clamp(-grade.offset, grade.offset - 1)
    return (codes + 0.5) * grade.step
