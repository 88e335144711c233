"""Which models can take part, and the shape read from their config."""

from typing import Any

import pytest
from transformers import (
    DeepseekV3Config,
    Gemma3Config,
    Gemma3TextConfig,
    Gemma4TextConfig,
    GPT2Config,
    GraniteConfig,
    LlamaConfig,
    MambaConfig,
    PreTrainedConfig,
    Qwen3NextConfig,
    SmolLM3Config,
    T5Config,
)

from latentflow.errors import InvalidInput, UnsupportedModel
from latentflow.model.shape import ModelShape, shape_of

FOREIGN = {
    "encoder-decoder": T5Config(),
    "state space": MambaConfig(),
    "linear attention": Qwen3NextConfig(),
    "latent attention": DeepseekV3Config(),
    "learned positions": GPT2Config(),
    "both directions": Gemma3TextConfig(use_bidirectional_attention=True),
    "layers that share a cache": PreTrainedConfig.from_dict({"num_kv_shared_layers": 1}),
    "scaled logits": GraniteConfig(logits_scaling=2.0),
    "pictures": Gemma3Config(),
    "layers without positions": SmolLM3Config(),
    "layers that differ": Gemma4TextConfig(),
}


@pytest.mark.parametrize("config", FOREIGN.values(), ids=FOREIGN.keys())
def test_a_model_without_a_plain_kv_cache_is_refused(config: PreTrainedConfig) -> None:
    with pytest.raises(UnsupportedModel) as refusal:
        shape_of(config)
    assert refusal.value.model == config.model_type
    assert refusal.value.problem


def test_shape_comes_from_the_config_alone() -> None:
    config = LlamaConfig(
        hidden_size=576, num_attention_heads=9, num_key_value_heads=3, num_hidden_layers=2
    )
    shape = shape_of(config)
    assert (shape.layers, shape.kv_heads, shape.head_dim, shape.kv_width) == (2, 3, 64, 192)
    assert shape.sliding_windows == (None, None)


def test_windows_follow_the_layers_types() -> None:
    kinds = ["sliding_attention", "full_attention"]
    config = Gemma3TextConfig(num_hidden_layers=2, layer_types=kinds, sliding_window=512)
    assert shape_of(config).sliding_windows == (512, None)


def test_positions_end_where_rotary_frequencies_change() -> None:
    rope = {
        "rope_type": "dynamic",
        "rope_theta": 10000.0,
        "factor": 4.0,
        "original_max_position_embeddings": 2048,
    }
    config = LlamaConfig(max_position_embeddings=8192, rope_parameters=rope)
    assert shape_of(config).max_positions == 2048


def test_a_window_is_needed_for_every_layer() -> None:
    sizes: dict[str, Any] = dict.fromkeys(
        ("layers", "kv_heads", "head_dim", "attention_heads", "hidden_size"), 2
    )
    with pytest.raises(InvalidInput):
        ModelShape(**sizes, vocabulary=2, max_positions=2, sliding_windows=(None,))
