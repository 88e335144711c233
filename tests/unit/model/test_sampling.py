"""Wishes that make no sense are refused; choices follow them."""

import math

import pytest
import torch

from latentflow.calls import Sampling
from latentflow.errors import InvalidInput
from latentflow.model.sampling import TokenChooser

LOGITS = torch.tensor([0.0, 2.0, 1.0, -1.0])


def _draws(sampling: Sampling, count: int = 200) -> list[int]:
    chooser = TokenChooser(sampling)
    return [chooser.choose(LOGITS) for _ in range(count)]


@pytest.mark.parametrize(
    "wrong",
    [
        {"max_tokens": 0},
        {"temperature": -0.1},
        {"temperature": math.nan},
        {"temperature": math.inf},
        {"top_p": 0.0},
        {"top_p": 1.1},
        {"seed": -1},
        {"seed": 1 << 64},
        {"stop": ("",)},
    ],
    ids=str,
)
def test_a_wish_without_sense_is_refused_by_name(wrong: dict[str, float]) -> None:
    [field] = wrong
    with pytest.raises(InvalidInput) as refusal:
        Sampling(**({"max_tokens": 1} | wrong))  # type: ignore[arg-type]
    assert refusal.value.field == f"sampling.{field}"


def test_temperature_zero_takes_the_likeliest() -> None:
    assert set(_draws(Sampling(max_tokens=1))) == {1}


def test_the_same_seed_draws_the_same_and_another_does_not() -> None:
    first, same, other = (
        _draws(Sampling(max_tokens=1, temperature=1.0, seed=seed)) for seed in (3, 3, 4)
    )
    assert first == same != other


def test_draws_follow_the_probabilities() -> None:
    draws = _draws(Sampling(max_tokens=1, temperature=1.0), count=4000)
    expected = LOGITS.softmax(-1)
    for token in range(4):
        assert draws.count(token) / 4000 == pytest.approx(expected[token].item(), abs=0.03)


def test_the_nucleus_is_the_fewest_tokens_that_reach_top_p() -> None:
    probability = LOGITS.softmax(-1)
    reach = (probability[1] + probability[2]).item()
    narrow = _draws(Sampling(max_tokens=1, temperature=1.0, top_p=reach - 0.01))
    wider = _draws(Sampling(max_tokens=1, temperature=1.0, top_p=reach + 0.01))
    assert set(narrow) == {1, 2}
    assert set(wider) == {0, 1, 2}


def test_a_tiny_top_p_is_greedy() -> None:
    assert set(_draws(Sampling(max_tokens=1, temperature=5.0, top_p=1e-6))) == {1}
