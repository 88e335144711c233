"""Sums over aligned tokens, from which a linear map can be solved however many there were.

Owns adding up and what is standard in it. Legend: N tokens, F features, G targets.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from latentflow.errors import InvalidInput

_LEAST = 2
_FLATTEST = 1e-4


@dataclass(frozen=True, slots=True, kw_only=True)
class StandardMoments:
    """Of standardised channels; `gram_FF` and `cross_FG` are sums of products of `count` tokens."""

    count: int
    mean_F: Tensor
    mean_G: Tensor
    deviation_F: Tensor
    deviation_G: Tensor
    gram_FF: Tensor
    cross_FG: Tensor


class Moments:
    """First and second moments of features and targets, (F + 1) * (F + G) numbers in all.

    They are taken around the mean of the first tokens, so that no large sums cancel.
    """

    def __init__(self, features: int, targets: int, *, device: torch.device) -> None:
        self.count = 0
        self._centre_F = torch.zeros(features, device=device)
        self._centre_G = torch.zeros(targets, device=device)
        self._sum_F = torch.zeros(features, device=device)
        self._sum_G = torch.zeros(targets, device=device)
        self._squares_FF = torch.zeros(features, features, device=device)
        self._squares_G = torch.zeros(targets, device=device)
        self._products_FG = torch.zeros(features, targets, device=device)

    @torch.no_grad()
    def add(self, features_NF: Tensor, targets_NG: Tensor) -> None:
        """What both models cache for the same pieces of text."""
        if not self.count:
            self._centre_F, self._centre_G = features_NF.mean(0), targets_NG.mean(0)
        features_NF, targets_NG = features_NF - self._centre_F, targets_NG - self._centre_G
        self.count += len(features_NF)
        self._sum_F += features_NF.sum(0)
        self._sum_G += targets_NG.sum(0)
        self._squares_G += targets_NG.square().sum(0)
        self._squares_FF.addmm_(features_NF.T, features_NF)
        self._products_FG.addmm_(features_NF.T, targets_NG)

    def standard(self) -> "StandardMoments":
        """Around the means and in deviations. Raises InvalidInput for fewer than two tokens."""
        if self.count < _LEAST:
            raise InvalidInput(field="closed_form_tokens", problem="must make at least 2 tokens")
        off_F, off_G = self._sum_F / self.count, self._sum_G / self.count
        squares_FF = self._squares_FF - self.count * off_F[:, None] * off_F
        deviation_F = self._deviation(squares_FF.diagonal())
        deviation_G = self._deviation(self._squares_G - self.count * off_G.square())
        products_FG = self._products_FG - self.count * off_F[:, None] * off_G
        return StandardMoments(
            count=self.count,
            mean_F=self._centre_F + off_F,
            mean_G=self._centre_G + off_G,
            deviation_F=deviation_F,
            deviation_G=deviation_G,
            gram_FF=squares_FF / deviation_F[:, None] / deviation_F,
            cross_FG=products_FG / deviation_F[:, None] / deviation_G,
        )

    def _deviation(self, squares: Tensor) -> Tensor:
        return (squares / (self.count - 1)).clamp(min=0).sqrt().clamp(min=_FLATTEST)
