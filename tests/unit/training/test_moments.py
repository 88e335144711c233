"""Sums over tokens: the same whether they are added at once or bit by bit."""

import pytest
import torch

from latentflow.errors import InvalidInput
from latentflow.training.moments import Moments, StandardMoments

CPU = torch.device("cpu")
TOKENS = 60


def _values() -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    features_NF = 3 + torch.randn(TOKENS, 5, generator=generator)
    targets_NG = 2 * features_NF[:, :3] - 100
    return features_NF, targets_NG


def _standard(sizes: list[int]) -> StandardMoments:
    moments = Moments(5, 3, device=CPU)
    for features, targets in zip(*(torch.split(each, sizes) for each in _values()), strict=True):
        moments.add(features, targets)
    return moments.standard()


@pytest.mark.parametrize("sizes", [[TOKENS], [1, 20, TOKENS - 21]], ids=str)
def test_they_are_those_of_the_standardised_values(sizes: list[int]) -> None:
    known = _standard(sizes)
    features_NF, targets_NG = _values()
    standard_NF = (features_NF - features_NF.mean(0)) / features_NF.std(0)
    standard_NG = (targets_NG - targets_NG.mean(0)) / targets_NG.std(0)
    torch.testing.assert_close(known.mean_F, features_NF.mean(0))
    torch.testing.assert_close(known.mean_G, targets_NG.mean(0))
    torch.testing.assert_close(known.deviation_G, targets_NG.std(0))
    expected = (standard_NF.T @ standard_NF, standard_NF.T @ standard_NG)
    torch.testing.assert_close((known.gram_FF, known.cross_FG), expected, atol=1e-3, rtol=1e-3)


def test_a_channel_that_never_changes_is_standard_too() -> None:
    moments = Moments(2, 1, device=CPU)
    moments.add(torch.ones(4, 2), torch.zeros(4, 1))
    known = moments.standard()
    assert known.gram_FF.isfinite().all()
    assert not known.cross_FG.any()


@pytest.mark.parametrize("tokens", [0, 1])
def test_fewer_than_two_tokens_have_no_deviation(tokens: int) -> None:
    moments = Moments(2, 1, device=CPU)
    if tokens:
        moments.add(torch.ones(tokens, 2), torch.ones(tokens, 1))
    with pytest.raises(InvalidInput, match="at least 2 tokens"):
        moments.standard()
