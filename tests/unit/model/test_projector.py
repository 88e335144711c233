"""LCF's projector: its size as the paper counts it, its shapes, its updates."""

import pytest
import torch
from torch import nn

from latentflow.errors import InvalidInput
from latentflow.model.projector import (
    LayerUpdate,
    ProjectorShape,
    ReceiverProjector,
    SharerDown,
    last_aligned,
    scaled,
    stack_updates,
)

QWEN_PAIR = ProjectorShape(sharer_kv_width=2 * 64, kv_heads=8, head_dim=128, channel=128)
SMALL = ProjectorShape(sharer_kv_width=6, kv_heads=2, head_dim=4, channel=8)


def _parameters(*modules: nn.Module) -> int:
    return sum(weight.numel() for module in modules for weight in module.parameters())


def test_a_layer_has_as_many_parameters_as_the_paper_says() -> None:
    """Qwen2.5-0.5B to Qwen3-0.6B at d = 128: 693,648 a layer, 19.4M over 28."""
    layer = _parameters(SharerDown(QWEN_PAIR), ReceiverProjector(QWEN_PAIR))
    assert layer == 693_648
    assert round(28 * layer / 1e6, 1) == 19.4


def test_what_travels_has_the_channels_width_whatever_the_models() -> None:
    sent = SharerDown(SMALL)(torch.randn(3, 5, 12))
    assert sent.shape == (3, 5, 8)


def test_an_update_has_the_receivers_shape_and_gates_between_0_and_1() -> None:
    update = ReceiverProjector(SMALL)(torch.randn(3, 5, 8), torch.randn(3, 5, 16))
    assert update.keys_BHTD.shape == update.values_BHTD.shape == (3, 2, 5, 4)
    for gates in (update.key_gates_BHT1, update.value_gates_BHT1):
        assert gates.shape == (3, 2, 5, 1)
        assert ((gates > 0) & (gates < 1)).all()


def test_a_token_is_updated_from_itself_alone() -> None:
    projector, own, sent = ReceiverProjector(SMALL), torch.randn(1, 5, 16), torch.randn(1, 5, 8)
    before = projector(sent, own)
    sent[:, 2] += 1
    after = projector(sent, own)
    changed = (before.keys_BHTD - after.keys_BHTD).abs().sum((0, 1, 3)) > 0
    assert changed.tolist() == [False, False, True, False, False]


def test_layers_are_paired_from_the_last() -> None:
    assert last_aligned(sharer_layers=4, receiver_layers=2) == (2, 3)
    assert last_aligned(sharer_layers=2, receiver_layers=4) == (0, 0, 0, 1)


def _update(value: float) -> LayerUpdate:
    return LayerUpdate(
        keys_BHTD=torch.full((1, 2, 3, 4), value),
        values_BHTD=torch.full((1, 2, 3, 4), -value),
        key_gates_BHT1=torch.full((1, 2, 3, 1), 0.5),
        value_gates_BHT1=torch.full((1, 2, 3, 1), 0.25),
    )


def test_an_update_is_written_in_each_channels_own_units() -> None:
    update = scaled(_update(1.0), torch.arange(16.0))
    assert update.keys_BHTD[0, :, 1].flatten().tolist() == [*range(8)]
    assert update.values_BHTD[0, :, 2].flatten().tolist() == [-value for value in range(8, 16)]


def test_a_layer_that_is_not_updated_has_shut_gates() -> None:
    mask = torch.ones(1, 3, dtype=torch.bool)
    cache, key_gates, value_gates = stack_updates(
        {1: _update(3.0)}, {1: torch.tensor([1.0, 0.0])}, mask_BT=mask, layers=3
    )
    assert cache.keys_LBHTD.abs().sum((1, 2, 3, 4)).tolist() == [0, 72, 0]
    assert [set(gates.flatten().tolist()) for gates in key_gates] == [{0.0}, {0.5}, {0.0}]
    assert value_gates.abs().sum() == 0


@pytest.mark.parametrize("channel", [0, 7])
def test_a_channel_must_split_in_half(channel: int) -> None:
    with pytest.raises(InvalidInput):
        ProjectorShape(sharer_kv_width=1, kv_heads=1, head_dim=1, channel=channel)
