"""Layer gates: noisy in training, open or shut in use."""

import pytest
import torch

from latentflow.model.gates import LayerGates, gumbel_gates, hard_gates


def test_gates_in_use_are_open_or_shut() -> None:
    assert hard_gates(torch.tensor([-1.0, 0.0, 0.1])).tolist() == [0, 0, 1]


def test_gates_in_training_harden_as_the_temperature_falls() -> None:
    logits = torch.full((1000,), 1.0)
    soft, hard = (gumbel_gates(logits, t, torch.Generator().manual_seed(0)) for t in (1.0, 0.001))
    assert hard.round().sub(hard).abs().mean() < 0.01 < soft.round().sub(soft).abs().mean()
    assert hard.mean().item() == pytest.approx(torch.tensor(1.0).sigmoid().item(), abs=0.04)


def test_the_same_step_has_the_same_noise_and_another_has_not() -> None:
    gates = LayerGates(4, start=0.0).train()
    drawn = []
    for seed in (1, 1, 2):
        gates.anneal(0.5, seed=seed)
        drawn.append(gates())
    assert torch.equal(drawn[0], drawn[1])
    assert not torch.equal(drawn[0], drawn[2])


def test_keys_and_values_of_a_layer_have_a_gate_each() -> None:
    gates = LayerGates(3, start=1.0).eval()
    with torch.no_grad():
        gates.logits_L2[1, 0] = -1.0
    assert gates().tolist() == [[1, 1], [0, 1], [1, 1]]


def test_a_gate_learns_while_it_is_soft() -> None:
    gates = LayerGates(2, start=0.0).train()
    gates.anneal(1.0, seed=0)
    [gradient] = torch.autograd.grad(gates().sum(), gates.logits_L2)
    assert gradient.gt(0).all()
