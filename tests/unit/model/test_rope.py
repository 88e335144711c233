"""Rotating keys with the model's own frequencies, and back."""

from typing import Any

import pytest
import torch
from torch import Tensor
from transformers import LlamaConfig

from latentflow.model.backbone import Backbone
from latentflow.model.rope import Rope, rope_of
from tests.tiny_models import random_model
from tests.unit.model.conftest import Load

POSITIONS = torch.tensor([[0, 1, 7, 300]])


def _keys(backbone: Backbone, dtype: torch.dtype = torch.float32) -> Tensor:
    shape = backbone.shape
    random = torch.Generator().manual_seed(0)
    size = (1, shape.kv_heads, POSITIONS.shape[1], shape.head_dim)
    return torch.randn(size, generator=random).to(dtype)


def test_unrotate_undoes_rotate_in_every_layer(backbone: Backbone) -> None:
    keys = _keys(backbone)
    for layer in range(backbone.shape.layers):
        rotated = backbone.rope.rotate(keys, POSITIONS, layer)
        assert (rotated - keys).abs().max() > 0.1
        torch.testing.assert_close(backbone.rope.unrotate(rotated, POSITIONS, layer), keys)


def test_keys_before_rope_are_the_key_projection_of_the_hidden_state(llama: Backbone) -> None:
    model: Any = llama.model
    ids = torch.tensor([[1, 50, 60, 70]])
    output = model(ids, use_cache=True, output_hidden_states=True)
    block = model.model.layers[1]
    expected = block.self_attn.k_proj(block.input_layernorm(output.hidden_states[1]))
    cached = output.past_key_values.layers[1].keys
    actual = llama.rope.unrotate(cached, torch.arange(4)[None], 1)
    torch.testing.assert_close(actual.transpose(1, 2).flatten(2), expected)


def test_gemma_turns_local_and_global_layers_with_different_bases(gemma: Backbone) -> None:
    local, everywhere = (gemma.rope.cos_sin(POSITIONS, layer)[0] for layer in (0, 1))
    assert not torch.allclose(local, everywhere)


def test_partial_rotary_leaves_the_other_dimensions(tiny: Load) -> None:
    phi = tiny("phi3")
    keys = _keys(phi)
    rotated = phi.rope.rotate(keys, POSITIONS, 0)
    turned = phi.shape.head_dim // 2
    assert torch.equal(rotated[..., turned:], keys[..., turned:])
    assert not torch.equal(rotated[..., :turned], keys[..., :turned])


def _scaled() -> Rope:
    rope = {"rope_type": "yarn", "rope_theta": 10000.0, "factor": 8.0}
    config = LlamaConfig(
        hidden_size=16,
        intermediate_size=8,
        num_hidden_layers=1,
        num_attention_heads=2,
        num_key_value_heads=2,
        vocab_size=8,
        max_position_embeddings=512,
        rope_parameters=rope | {"original_max_position_embeddings": 64},
    )
    return rope_of(random_model(config))


def test_attention_scaling_goes_on_and_comes_off() -> None:
    keys = torch.randn(1, 2, 4, 8, generator=torch.Generator().manual_seed(0))
    rope = _scaled()
    rotated = rope.rotate(keys, POSITIONS, 0)
    assert (rotated.norm() / keys.norm()).item() == pytest.approx(1.208, abs=1e-3)
    torch.testing.assert_close(rope.unrotate(rotated, POSITIONS, 0), keys)


def test_rotation_keeps_the_keys_dtype_and_passes_gradients(gemma: Backbone) -> None:
    keys = _keys(gemma, torch.bfloat16).requires_grad_()
    rotated = gemma.rope.rotate(keys, POSITIONS, 0)
    assert rotated.dtype == torch.bfloat16
    [gradient] = torch.autograd.grad(rotated.sum(), keys)
    assert gradient.abs().sum() > 0


def test_padded_rows_turn_by_their_own_positions(llama: Backbone) -> None:
    keys = _keys(llama)
    both = llama.rope.rotate(keys.expand(2, -1, -1, -1), torch.cat([POSITIONS, POSITIONS + 5]), 0)
    torch.testing.assert_close(both[1:], llama.rope.rotate(keys, POSITIONS + 5, 0))
