"""The grouped attention for training is the same attention, forwards and backwards."""

from typing import Any

import pytest
import torch
from transformers import AttentionInterface, Gemma2Config
from transformers.masking_utils import AttentionMaskInterface, eager_mask

from latentflow.errors import InvalidInput
from latentflow.model.attention import GROUPED, grouped_attention, use_grouped_attention
from latentflow.model.backbone import Backbone
from latentflow.model.capture import KVCache, capture
from latentflow.model.injection import inject_prefix
from latentflow.model.reading import continue_from, read
from tests.tiny_models import VOCABULARY, WINDOW, random_model
from tests.unit.model.tokens_at_random import batch, random_rows

CAPPED: dict[str, Any] = {
    "vocab_size": VOCABULARY,
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 8,
    "initializer_range": 0.3,
    "attn_logit_softcapping": 1.0,
}


def _over_slots(backbone: Backbone) -> tuple[torch.Tensor, torch.Tensor]:
    """Hidden states of two padded rows over slots, and the slots' gradient."""
    ids, mask = batch(random_rows(WINDOW + 3, 2 * WINDOW))
    slots = capture(backbone, ids, mask)
    keys = slots.keys_LBHTD.clone().requires_grad_()
    own = read(backbone, torch.tensor([[1, 5, 6]]))
    cache = inject_prefix(
        backbone,
        own,
        KVCache(keys_LBHTD=keys, values_LBHTD=slots.values_LBHTD, mask_BT=slots.mask_BT),
    )
    hidden, _ = continue_from(backbone, cache, *batch(random_rows(4, 3, seed=1)))
    hidden.square().sum().backward()  # type: ignore[no-untyped-call]
    assert keys.grad is not None
    return hidden, keys.grad


def test_grouped_attention_is_the_models_own(backbone: Backbone) -> None:
    ordinary = backbone.config._attn_implementation
    expected = _over_slots(backbone)
    try:
        use_grouped_attention(backbone)
        actual = _over_slots(backbone)
    finally:
        backbone.model.set_attn_implementation(ordinary)
    for got, wanted in zip(actual, expected, strict=True):
        torch.testing.assert_close(got, wanted, atol=2e-3, rtol=1e-3)


def test_capped_scores_are_the_models_own() -> None:
    config = Gemma2Config(**CAPPED)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = random_model(config)
    ids = torch.tensor([random_rows(WINDOW + 3)[0]])
    model.set_attn_implementation("eager")
    expected = model(ids).logits
    AttentionInterface.register(GROUPED, grouped_attention)
    AttentionMaskInterface.register(GROUPED, eager_mask)
    model.set_attn_implementation(GROUPED)
    torch.testing.assert_close(model(ids).logits, expected, atol=2e-3, rtol=1e-3)


def test_sinks_are_refused() -> None:
    some = torch.zeros(1, 1, 1, 4)
    with pytest.raises(InvalidInput, match="sinks"):
        grouped_attention(None, some, some, some, some, 1.0, s_aux=torch.zeros(1))
