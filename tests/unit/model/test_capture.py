"""What capture takes out of a model, whole, position-free, in chunks, cancellable."""

import pytest
import torch

from latentflow.errors import Cancelled, ContextTooLong, EmptyInput, InvalidInput
from latentflow.model.backbone import Backbone
from latentflow.model.capture import KVCache, capture
from tests.tiny_models import MAX_POSITIONS, WINDOW
from tests.unit.model.tokens_at_random import batch, one, random_rows

LONG = 3 * WINDOW


def test_every_layer_is_captured_whole_past_its_window(backbone: Backbone) -> None:
    cache = capture(backbone, one(random_rows(LONG)[0]))
    shape = backbone.shape
    assert cache.keys_LBHTD.shape == (shape.layers, 1, shape.kv_heads, LONG, shape.head_dim)
    assert cache.values_LBHTD.abs().sum(-1).gt(0).all()


def test_chunks_give_what_one_pass_gives(backbone: Backbone) -> None:
    ids = one(random_rows(LONG)[0])
    whole, chunked = capture(backbone, ids), capture(backbone, ids, chunk_tokens=5)
    torch.testing.assert_close(chunked.keys_LBHTD, whole.keys_LBHTD, atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(chunked.values_LBHTD, whole.values_LBHTD, atol=1e-4, rtol=1e-4)


def test_a_padded_batch_gives_what_each_row_gives_alone(backbone: Backbone) -> None:
    rows = random_rows(LONG, 5, 11)
    together = capture(backbone, *batch(rows), chunk_tokens=7)
    for index, row in enumerate(rows):
        alone = capture(backbone, one(row))
        real = slice(0, len(row))
        for name in ("keys_LBHTD", "values_LBHTD"):
            actual = getattr(together, name)[:, index : index + 1, :, real]
            torch.testing.assert_close(actual, getattr(alone, name), atol=1e-4, rtol=1e-4)
        assert together.mask_BT[index].sum() == len(row)
    assert together.keys_LBHTD.isfinite().all()


def test_the_cache_is_the_models_own_in_its_first_layer(llama: Backbone) -> None:
    """Position 0 is rotated by nothing, so keys before and after RoPE are the same there."""
    ids = one(random_rows(6)[0])
    expected = llama.model(ids, use_cache=True).past_key_values.layers
    cache = capture(llama, ids)
    for layer, own in enumerate(expected):
        torch.testing.assert_close(cache.keys_LBHTD[layer][..., 0, :], own.keys[..., 0, :])
        torch.testing.assert_close(cache.values_LBHTD[layer], own.values)


def test_progress_counts_up_to_the_whole_context(llama: Backbone) -> None:
    done: list[int] = []
    capture(llama, one(random_rows(10)[0]), chunk_tokens=4, on_tokens=done.append)
    assert done == [4, 8, 10]


def test_cancelling_stops_before_the_next_chunk(llama: Backbone) -> None:
    done: list[int] = []
    with pytest.raises(Cancelled):
        capture(
            llama,
            one(random_rows(10)[0]),
            chunk_tokens=4,
            on_tokens=done.append,
            is_cancelled=lambda: len(done) == 2,
        )
    assert done == [4, 8]


def test_a_context_beyond_the_models_positions_is_refused(llama: Backbone) -> None:
    with pytest.raises(ContextTooLong) as refusal:
        capture(llama, one(random_rows(MAX_POSITIONS + 1)[0]))
    assert (refusal.value.tokens, refusal.value.limit) == (MAX_POSITIONS + 1, MAX_POSITIONS)


def test_a_row_without_tokens_is_refused(llama: Backbone) -> None:
    ids, mask = batch(random_rows(3, 3))
    mask[1] = False
    with pytest.raises(EmptyInput):
        capture(llama, ids, mask)


def test_a_slice_keeps_its_columns(llama: Backbone) -> None:
    cache = capture(llama, one(random_rows(6)[0]))
    part = cache.slice_tokens(2, 5)
    assert part.tokens == 3
    assert torch.equal(part.keys_LBHTD, cache.keys_LBHTD[..., 2:5, :])


@pytest.mark.parametrize("mask", [torch.ones(1, 3, dtype=torch.bool), torch.ones(1, 2)])
def test_a_mask_must_fit_its_cache(mask: torch.Tensor) -> None:
    keys = torch.zeros(1, 1, 1, 2, 4)
    with pytest.raises(InvalidInput):
        KVCache(keys_LBHTD=keys, values_LBHTD=keys, mask_BT=mask)
