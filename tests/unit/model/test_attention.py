"""The grouped attention for training is the same attention, forwards and backwards."""

import torch

from latentflow.model.attention import use_grouped_attention
from latentflow.model.backbone import Backbone
from latentflow.model.capture import KVCache, capture
from latentflow.model.injection import inject_prefix
from latentflow.model.reading import continue_from, read
from tests.tiny_models import WINDOW
from tests.unit.model.tokens_at_random import batch, random_rows


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
