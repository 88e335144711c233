"""The proof at loading: which models' keys can be freed of positions."""

from dataclasses import replace
from typing import Any

import pytest
from transformers import (
    Exaone4Config,
    GlmConfig,
    GptOssConfig,
    PhiConfig,
    PreTrainedConfig,
    PreTrainedModel,
)

from latentflow.errors import UnsupportedModel
from latentflow.model.backbone import Backbone
from latentflow.model.probe import require_position_free_cache
from latentflow.model.rope import rope_of
from latentflow.model.shape import shape_of
from tests.tiny_models import random_model

_SIZES: dict[str, Any] = {
    "vocab_size": 64,
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 4,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 64,
    "initializer_range": 0.3,
    "pad_token_id": 0,
}


def _probe(model: PreTrainedModel, config: PreTrainedConfig) -> None:
    require_position_free_cache(model, rope_of(model), shape_of(config))


@pytest.mark.parametrize(
    "config",
    [GlmConfig(**_SIZES, head_dim=8), PhiConfig(**_SIZES)],
    ids=["pairs side by side", "partial, split in the attention"],
)
def test_other_conventions_of_rotation_pass(config: PreTrainedConfig) -> None:
    _probe(random_model(config), config)


def test_layers_without_positions_are_refused() -> None:
    """EXAONE 4 rotates its sliding layers only, which its config does not say."""
    config = Exaone4Config(**_SIZES, sliding_window=8)
    with pytest.raises(UnsupportedModel, match="freed of their positions"):
        _probe(random_model(config), config)


def test_a_rotation_of_another_form_is_refused() -> None:
    """gpt-oss keeps cosines for half of the dimensions."""
    config = GptOssConfig(**_SIZES, head_dim=8, num_local_experts=2, num_experts_per_tok=1)
    with pytest.raises(UnsupportedModel, match="rotary function"):
        _probe(random_model(config), config)


def test_a_cache_of_another_shape_is_refused(llama: Backbone, gemma: Backbone) -> None:
    with pytest.raises(UnsupportedModel, match="not of one shape"):
        require_position_free_cache(llama.model, llama.rope, gemma.shape)


def test_the_wrong_base_in_a_layer_is_noticed(gemma: Backbone) -> None:
    """Putting a cache back where it was can't show it: on and off cancel."""
    mixed_up = replace(gemma.rope, types=gemma.rope.types[::-1][1:] + gemma.rope.types[:1])
    with pytest.raises(UnsupportedModel, match="freed of their positions"):
        require_position_free_cache(gemma.model, mixed_up, gemma.shape)
