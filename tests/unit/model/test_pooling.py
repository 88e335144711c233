"""Pooling over windows and spans, with padding that never counts."""

import pytest
import torch

from latentflow.errors import InvalidInput
from latentflow.model.capture import KVCache
from latentflow.model.pooling import NO_SPAN, SpanAttentionPool, pool_windows, window_spans

MASK = torch.tensor([[True] * 5, [True, True, True, False, False]])


def _vectors() -> torch.Tensor:
    vectors = torch.arange(20.0).reshape(2, 5, 2)
    vectors[~MASK] = 1e6
    return vectors


def _cache(seed: int = 0) -> KVCache:
    random = torch.Generator().manual_seed(seed)
    keys, values = (torch.randn(3, 2, 2, 5, 4, generator=random) for _ in range(2))
    return KVCache(keys_LBHTD=keys, values_LBHTD=values, mask_BT=MASK)


def _pool() -> SpanAttentionPool:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return SpanAttentionPool(layers=3, kv_heads=2, head_dim=4)


def test_a_window_is_the_mean_of_its_real_tokens() -> None:
    pooled, mask = pool_windows(_vectors(), MASK, 2)
    assert pooled[0].tolist() == [[1, 2], [5, 6], [8, 9]]
    assert pooled[1].tolist() == [[11, 12], [14, 15], [0, 0]]
    assert mask.tolist() == [[True, True, True], [True, True, False]]


def test_a_window_of_one_changes_nothing() -> None:
    pooled, mask = pool_windows(_vectors(), MASK, 1)
    assert torch.equal(pooled[MASK], _vectors()[MASK])
    assert torch.equal(mask, MASK)


def test_a_window_beyond_the_text_is_its_mean() -> None:
    pooled, mask = pool_windows(_vectors(), MASK, 9)
    assert pooled[:, 0].tolist() == [[4, 5], [12, 13]]
    assert mask.tolist() == [[True], [True]]


def test_a_window_below_one_is_refused() -> None:
    with pytest.raises(InvalidInput):
        pool_windows(_vectors(), MASK, 0)


def test_the_pool_has_two_queries_a_layer_and_head() -> None:
    """57,344 for Qwen3-0.6B, as the paper counts (methods.md §4)."""
    pool = SpanAttentionPool(layers=28, kv_heads=8, head_dim=128)
    assert sum(weight.numel() for weight in pool.parameters()) == 57_344


def test_a_span_of_one_token_is_that_token() -> None:
    cache = _cache()
    summaries = _pool().summarise(cache, window_spans(MASK, 1))
    torch.testing.assert_close(summaries.keys_LBHTD[:, 0], cache.keys_LBHTD[:, 0])
    torch.testing.assert_close(summaries.values_LBHTD[:, 1, :, :3], cache.values_LBHTD[:, 1, :, :3])
    assert torch.equal(summaries.mask_BT, MASK)


def test_a_summary_is_its_spans_attention_and_nothing_elses() -> None:
    cache, pool = _cache(), _pool()
    spans = torch.tensor([[0, 0, 1, 1, 1], [0, 1, 1, 0, 0]])
    summaries = pool.summarise(cache, spans)
    keys, values = cache.keys_LBHTD[1, 0, 1, 2:5], cache.values_LBHTD[1, 0, 1, 2:5]
    weights = (keys @ pool.q_base[1, 1] / 2).softmax(0)
    torch.testing.assert_close(summaries.keys_LBHTD[1, 0, 1, 1], weights @ keys)
    torch.testing.assert_close(summaries.values_LBHTD[1, 0, 1, 1], weights @ values)


def test_spans_may_stand_in_any_order() -> None:
    cache, pool = _cache(), _pool()
    spans = window_spans(MASK, 2)
    renamed = torch.where(spans == 0, 1, torch.where(spans == 1, 0, spans))
    first, second = pool(cache, spans), pool(cache, renamed)
    torch.testing.assert_close(first.keys_LBHTD, second.keys_LBHTD)
    assert first.keys_LBHTD.shape == (3, 2, 2, 1, 4)
    assert first.mask_BT.all()


def test_padding_never_counts() -> None:
    pool, cache, spans = _pool(), _cache(), torch.tensor([[0, 0, 1, 1, 1]] * 2)
    other = cache.keys_LBHTD.clone()
    other[:, 1, :, 3:] = 1e4
    padded = KVCache(keys_LBHTD=other, values_LBHTD=cache.values_LBHTD, mask_BT=MASK)
    torch.testing.assert_close(pool(padded, spans).keys_LBHTD, pool(cache, spans).keys_LBHTD)


def test_tokens_in_no_span_are_left_out() -> None:
    spans = window_spans(MASK, 5)
    spans[0, 0] = NO_SPAN
    summaries = _pool().summarise(_cache(), spans)
    keys = _cache().keys_LBHTD[0, 0, 0, 1:]
    weights = (keys @ _pool().q_base[0, 0] / 2).softmax(0)
    torch.testing.assert_close(summaries.keys_LBHTD[0, 0, 0, 0], weights @ keys)


def test_gradients_reach_both_queries() -> None:
    pool = _pool()
    loss = pool(_cache(), window_spans(MASK, 2)).values_LBHTD.square().sum()
    for gradient in torch.autograd.grad(loss, (pool.q_base, pool.q_layer)):
        assert gradient.abs().sum() > 0
