"""How large each method is, against methods.md's formulas and the papers' figures."""

import pytest
import torch
from torch import nn

from latentflow.model.c2c import C2CReceiver
from latentflow.model.lcf import LcfReceiver, LcfSharer
from latentflow.model.lcf_x import SpanReceiver, SpanSharer
from latentflow.model.residual_spec import ResidualSpec

Shape = tuple[int, int, int]

QWEN25_05B: Shape = (24, 2, 64)
QWEN3_06B: Shape = (28, 8, 128)
SMOLLM2_135M: Shape = (30, 3, 64)
GEMMA3_270M: Shape = (18, 1, 256)


def _spec(sharer: Shape, receiver: Shape, width: int) -> ResidualSpec:
    return ResidualSpec(
        sharer_layers=sharer[0],
        sharer_kv_heads=sharer[1],
        sharer_head_dim=sharer[2],
        receiver_layers=receiver[0],
        receiver_kv_heads=receiver[1],
        receiver_head_dim=receiver[2],
        layers=tuple(range(receiver[0])),
        width=width,
    )


def _parameters(*modules: nn.Module) -> int:
    return sum(weight.numel() for module in modules for weight in module.parameters())


@pytest.mark.parametrize(
    ("sharer", "receiver", "millions"),
    [(QWEN25_05B, QWEN3_06B, 477.8), (SMOLLM2_135M, GEMMA3_270M, 252.6)],
)
def test_c2c_is_as_large_as_the_paper_says(sharer: Shape, receiver: Shape, millions: float) -> None:
    with torch.device("meta"):
        fuser = C2CReceiver(_spec(sharer, receiver, 1024))
    assert round(_parameters(fuser) / 1e6, 1) == millions


def test_a_layer_of_c2c_follows_the_formula() -> None:
    s, t, h, heads = 128, 1024, 1024, 8
    branch = (s + t) * h + h + 3 * (h + 2 * h * h) + h * heads + heads + h * t + t
    with torch.device("meta"):
        fuser = C2CReceiver(_spec(QWEN25_05B, QWEN3_06B, h))
    assert _parameters(fuser) == 28 * (2 * branch + 2)
    assert round((2 * branch + 2) / 1e6, 2) == 17.07


def test_lcf_is_as_large_as_the_paper_says_and_two_gates_a_layer() -> None:
    with torch.device("meta"):
        spec = _spec(QWEN25_05B, QWEN3_06B, 128)
        halves = (LcfSharer(spec), LcfReceiver(spec))
    assert _parameters(*halves) == 28 * (693_648 + 2)


def test_lcf_x_is_as_large_as_the_paper_says() -> None:
    """25.9M for a Qwen3-0.6B pair, of which 57,344 are the two learned queries."""
    with torch.device("meta"):
        spec = _spec(QWEN3_06B, QWEN3_06B, 128)
        sharer, receiver = SpanSharer(spec), SpanReceiver(spec)
    assert _parameters(sharer.pool, receiver.pool) == 57_344
    assert round(_parameters(sharer, receiver) / 1e6, 1) == 25.9
