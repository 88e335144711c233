"""LCF's projector: its size as the paper counts it, its shapes, its gates."""

import pytest
import torch
from torch import nn

from latentflow.errors import InvalidInput
from latentflow.model.backbone import Backbone
from latentflow.model.capture import capture
from latentflow.model.injection import inject_residual
from latentflow.model.projector import (
    ProjectorShape,
    ReceiverProjector,
    SharerDown,
    gumbel_gates,
    hard_gates,
    last_aligned,
    stack_updates,
)
from latentflow.model.reading import read
from tests.unit.model.tokens_at_random import one, random_rows

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
    sent = SharerDown(SMALL)(torch.randn(3, 1, 5, 6), torch.randn(3, 1, 5, 6))
    assert sent.shape == (3, 5, 8)


def test_an_update_has_the_receivers_shape_and_gates_between_0_and_1() -> None:
    keys = torch.randn(3, 2, 5, 4)
    update = ReceiverProjector(SMALL)(torch.randn(3, 5, 8), keys, keys)
    assert update.keys_BHTD.shape == update.values_BHTD.shape == keys.shape
    for gates in (update.key_gates_BHT1, update.value_gates_BHT1):
        assert gates.shape == (3, 2, 5, 1)
        assert ((gates > 0) & (gates < 1)).all()


def test_a_token_is_updated_from_itself_alone() -> None:
    projector, keys, sent = ReceiverProjector(SMALL), torch.randn(1, 2, 5, 4), torch.randn(1, 5, 8)
    before = projector(sent, keys, keys)
    sent[:, 2] += 1
    after = projector(sent, keys, keys)
    changed = (before.keys_BHTD - after.keys_BHTD).abs().sum((0, 1, 3)) > 0
    assert changed.tolist() == [False, False, True, False, False]


def test_layers_are_paired_from_the_last() -> None:
    assert last_aligned(sharer_layers=4, receiver_layers=2) == (2, 3)
    assert last_aligned(sharer_layers=2, receiver_layers=4) == (0, 0, 0, 1)


def test_gates_in_use_are_open_or_shut() -> None:
    assert hard_gates(torch.tensor([-1.0, 0.0, 0.1])).tolist() == [0, 0, 1]


def test_gates_in_training_harden_as_the_temperature_falls() -> None:
    logits = torch.full((1000,), 1.0)
    soft, hard = (gumbel_gates(logits, t, torch.Generator().manual_seed(0)) for t in (1.0, 0.001))
    assert hard.round().sub(hard).abs().mean() < 0.01 < soft.round().sub(soft).abs().mean()
    assert hard.mean().item() == pytest.approx(torch.tensor(1.0).sigmoid().item(), abs=0.04)


def test_updates_of_all_layers_go_into_a_receiver(llama: Backbone) -> None:
    [row] = random_rows(6)
    shape = llama.shape
    size = ProjectorShape(
        sharer_kv_width=6, kv_heads=shape.kv_heads, head_dim=shape.head_dim, channel=8
    )
    projectors = [ReceiverProjector(size) for _ in range(shape.layers)]
    own, mine = read(llama, one(row)), capture(llama, one(row))
    updates = [
        projector(torch.randn(1, 6, 8), keys, values)
        for projector, keys, values in zip(
            projectors, mine.keys_LBHTD, mine.values_LBHTD, strict=True
        )
    ]
    cache, key_gates, value_gates = stack_updates(updates, mine.mask_BT)
    updated = inject_residual(
        llama, own, cache, key_gates_LBHTD=key_gates, value_gates_LBHTD=value_gates
    )
    weights = [projector.up_keys.weight for projector in projectors]
    for gradient in torch.autograd.grad(torch.stack(updated.keys).sum(), weights):
        assert gradient.abs().sum() > 0


@pytest.mark.parametrize("channel", [0, 7])
def test_a_channel_must_split_in_half(channel: int) -> None:
    with pytest.raises(InvalidInput):
        ProjectorShape(sharer_kv_width=1, kv_heads=1, head_dim=1, channel=channel)
