"""LCF-X's attention pool over spans, with padding that never counts."""

import pytest
import torch

from latentflow.model.capture import KVCache
from latentflow.model.pooling import NO_SPAN, AttentionPool, even_spans, members_of

MASK = torch.tensor([[True] * 5, [True, True, True, False, False]])


def _cache(seed: int = 0) -> KVCache:
    random = torch.Generator().manual_seed(seed)
    keys, values = (torch.randn(3, 2, 2, 5, 4, generator=random) for _ in range(2))
    return KVCache(keys_LBHTD=keys, values_LBHTD=values, mask_BT=MASK)


@pytest.fixture
def pool() -> AttentionPool:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return AttentionPool(layers=3, kv_heads=2, head_dim=4)


@pytest.mark.parametrize(
    ("most", "expected"),
    [(5, [0, 1, 2, 3, 4]), (9, [0, 1, 2, 3, 4]), (2, [0, 0, 0, 1, 1]), (1, [0] * 5)],
)
def test_a_text_is_cut_into_at_most_so_many_windows(most: int, expected: list[int]) -> None:
    assert even_spans(MASK, most)[0].tolist() == expected


def test_a_shorter_row_has_shorter_windows_and_padding_has_none() -> None:
    assert even_spans(MASK, 2)[1].tolist() == [0, 0, 1, NO_SPAN, NO_SPAN]


def test_members_are_the_real_tokens_of_a_span() -> None:
    members = members_of(torch.tensor([[0, 0, 1, NO_SPAN, 1], [1, 0, 0, 0, 0]]), MASK)
    assert members[0].tolist() == [
        [True, True, False, False, False],
        [False, False, True, False, True],
    ]
    assert members[1, 0].tolist() == [False, True, True, False, False]


def test_a_span_of_one_token_is_that_token(pool: AttentionPool) -> None:
    cache = _cache()
    summaries = pool(cache, members_of(even_spans(MASK, 5), MASK))
    torch.testing.assert_close(summaries.keys_LBHTD[:, 0], cache.keys_LBHTD[:, 0])
    torch.testing.assert_close(summaries.values_LBHTD[:, 1, :, :3], cache.values_LBHTD[:, 1, :, :3])
    assert torch.equal(summaries.mask_BT, MASK)


def test_a_summary_is_its_spans_attention_and_nothing_elses(pool: AttentionPool) -> None:
    cache, spans = _cache(), torch.tensor([[0, 0, 1, 1, 1], [0, 1, 1, 0, 0]])
    summaries = pool(cache, members_of(spans, MASK))
    keys, values = cache.keys_LBHTD[1, 0, 1, 2:5], cache.values_LBHTD[1, 0, 1, 2:5]
    weights = (keys @ pool.query[1, 1] / 2).softmax(0)
    torch.testing.assert_close(summaries.keys_LBHTD[1, 0, 1, 1], weights @ keys)
    torch.testing.assert_close(summaries.values_LBHTD[1, 0, 1, 1], weights @ values)


def test_padding_never_counts(pool: AttentionPool) -> None:
    cache, members = _cache(), members_of(torch.tensor([[0, 0, 1, 1, 1]] * 2), MASK)
    other = cache.keys_LBHTD.clone()
    other[:, 1, :, 3:] = 1e4
    padded = KVCache(keys_LBHTD=other, values_LBHTD=cache.values_LBHTD, mask_BT=MASK)
    torch.testing.assert_close(pool(padded, members).keys_LBHTD, pool(cache, members).keys_LBHTD)


def test_a_group_without_columns_is_zero_and_masked_out(pool: AttentionPool) -> None:
    pooled = pool(_cache(), torch.zeros(2, 1, 5, dtype=torch.bool))
    assert not pooled.mask_BT.any()
    assert pooled.keys_LBHTD.abs().sum() == pooled.values_LBHTD.abs().sum() == 0


def test_gradients_reach_the_query(pool: AttentionPool) -> None:
    loss = pool(_cache(), members_of(even_spans(MASK, 2), MASK)).values_LBHTD.square().sum()
    [gradient] = torch.autograd.grad(loss, pool.query)
    assert gradient.abs().sum((1, 2)).gt(0).all()
