"""The identity test and its opposites: what is put into a cache is what the model reads.

A receiver's own cache, taken before RoPE and put back, must act as the text itself did.
"""

import pytest
import torch
from torch import Tensor

from latentflow.errors import ContextTooLong, InvalidInput
from latentflow.model.backbone import Backbone
from latentflow.model.capture import KVCache, capture
from latentflow.model.injection import inject_prefix, inject_residual
from latentflow.model.reading import ReadCache, continue_from, read
from tests.tiny_models import MAX_POSITIONS, WINDOW
from tests.unit.model.tokens_at_random import batch, one, random_rows

PREFIX = 3
QUESTION = 4
CONTEXTS = {"within the window": 2, "past the window": 3 * WINDOW}


def _assert_close(actual: Tensor, expected: Tensor) -> None:
    torch.testing.assert_close(actual, expected, atol=1e-4, rtol=1e-4)


def _reading(backbone: Backbone, row: list[int]) -> Tensor:
    """Logits of the question when the model reads the whole text itself."""
    logits: Tensor = backbone.model(one(row)).logits[0, -QUESTION:]
    return logits


def _asked(backbone: Backbone, cache: ReadCache, row: list[int]) -> Tensor:
    hidden, _ = continue_from(backbone, cache, one(row[-QUESTION:]))
    return backbone.logits(hidden[0])


def _slots(backbone: Backbone, rows: list[list[int]]) -> KVCache:
    """Each row's context (without prefix and question) as slots, padded on the right."""
    captured = [
        capture(backbone, one(row)).slice_tokens(PREFIX, len(row) - QUESTION) for row in rows
    ]
    widest = max(cache.tokens for cache in captured)
    keys, values, masks = zip(*(_padded(cache, widest) for cache in captured), strict=True)
    return KVCache(
        keys_LBHTD=torch.cat(keys, 1), values_LBHTD=torch.cat(values, 1), mask_BT=torch.cat(masks)
    )


def _padded(cache: KVCache, tokens: int) -> tuple[Tensor, Tensor, Tensor]:
    """Padding is filled with large values, so that a mask that leaks is seen."""
    missing = tokens - cache.tokens
    keys, values = (
        torch.nn.functional.pad(tensor, (0, 0, 0, missing), value=9.0)
        for tensor in (cache.keys_LBHTD, cache.values_LBHTD)
    )
    return keys, values, torch.nn.functional.pad(cache.mask_BT, (0, missing))


@pytest.mark.parametrize("context", CONTEXTS.values(), ids=CONTEXTS.keys())
def test_own_cache_as_prefix_acts_like_the_text(backbone: Backbone, context: int) -> None:
    [row] = random_rows(PREFIX + context + QUESTION)
    own = read(backbone, one(row[:PREFIX]))
    injected = inject_prefix(backbone, own, _slots(backbone, [row]))
    _assert_close(_asked(backbone, injected, row), _reading(backbone, row))


def test_own_cache_acts_like_the_text_in_a_padded_batch(backbone: Backbone) -> None:
    rows = random_rows(*(PREFIX + context + QUESTION for context in (3 * WINDOW, 2, WINDOW)))
    rows = [rows[0][:PREFIX] + row[PREFIX:] for row in rows]
    own = read(backbone, one(rows[0][:PREFIX]))
    injected = inject_prefix(backbone, own, _slots(backbone, rows))
    questions = torch.tensor([row[-QUESTION:] for row in rows])
    hidden, _ = continue_from(backbone, injected, questions)
    for index, row in enumerate(rows):
        actual = backbone.logits(hidden[index])
        _assert_close(actual, _reading(backbone, row))


def test_each_row_may_have_a_prefix_and_question_of_its_own_length(backbone: Backbone) -> None:
    rows = random_rows(2 * WINDOW, 6)
    own = read(backbone, *batch([rows[0][:PREFIX], rows[1][: PREFIX - 1]]))
    captured = [capture(backbone, one(row)) for row in rows]
    parts = [captured[0].slice_tokens(PREFIX, 9), captured[1].slice_tokens(PREFIX - 1, 4)]
    keys, values, masks = zip(*(_padded(part, 6) for part in parts), strict=True)
    slots = KVCache(
        keys_LBHTD=torch.cat(keys, 1), values_LBHTD=torch.cat(values, 1), mask_BT=torch.cat(masks)
    )
    ids, mask = batch([rows[0][9:], rows[1][4:]])
    hidden, _ = continue_from(backbone, inject_prefix(backbone, own, slots), ids, mask)
    for index, row in enumerate(rows):
        actual = backbone.logits(hidden[index, mask[index]])
        expected = backbone.model(one(row)).logits[0, -len(actual) :]
        _assert_close(actual, expected)


def test_reading_on_token_by_token_is_reading_at_once(backbone: Backbone) -> None:
    [row] = random_rows(3 * WINDOW)
    cache, hidden = read(backbone, one(row[:2])), []
    for token in row[2:]:
        step, cache = continue_from(backbone, cache, one([token]))
        hidden.append(step)
    expected = backbone.model(one(row)).logits[0, 2:]
    _assert_close(backbone.logits(torch.cat(hidden, 1)[0]), expected)


def test_reading_on_leaves_the_cache_it_started_from(llama: Backbone) -> None:
    [row] = random_rows(8)
    cache = read(llama, one(row[:4]))
    before = [keys.clone() for keys in cache.keys]
    continue_from(llama, cache, one(row[4:]))
    assert all(map(torch.equal, before, cache.keys))
    assert cache.mask_BK.shape == (1, 4)


def test_slots_in_another_order_are_another_context(backbone: Backbone) -> None:
    """Positions matter: without this the identity test could pass on content alone."""
    [row] = random_rows(PREFIX + 4 + QUESTION)
    slots = _slots(backbone, [row])
    turned = KVCache(
        keys_LBHTD=slots.keys_LBHTD.flip(3),
        values_LBHTD=slots.values_LBHTD.flip(3),
        mask_BT=slots.mask_BT,
    )
    injected = inject_prefix(backbone, read(backbone, one(row[:PREFIX])), turned)
    difference = _asked(backbone, injected, row) - _reading(backbone, row)
    assert difference.abs().max() > 0.01


def test_gradients_reach_every_layer_of_the_slots(backbone: Backbone) -> None:
    [row] = random_rows(PREFIX + 4 + QUESTION)
    slots = _slots(backbone, [row])
    keys, values = slots.keys_LBHTD.requires_grad_(), slots.values_LBHTD.requires_grad_()
    injected = inject_prefix(backbone, read(backbone, one(row[:PREFIX])), slots)
    loss = _asked(backbone, injected, row)[-1].logsumexp(-1)
    for gradient in torch.autograd.grad(loss, (keys, values)):
        assert gradient.abs().sum((1, 2, 3, 4)).gt(0).all()


def test_padding_gets_no_gradient(gemma: Backbone) -> None:
    rows = random_rows(PREFIX + 5 + QUESTION, PREFIX + 2 + QUESTION)
    slots = _slots(gemma, rows)
    values = slots.values_LBHTD.requires_grad_()
    injected = inject_prefix(gemma, read(gemma, one(rows[0][:PREFIX])), slots)
    hidden, _ = continue_from(gemma, injected, torch.tensor([row[-QUESTION:] for row in rows]))
    [gradient] = torch.autograd.grad(hidden.square().sum(), values)
    assert gradient[:, 1, :, 2:].abs().sum() == 0
    assert gradient[:, 1, :, :2].abs().sum() > 0


def test_a_prefix_that_leaves_no_position_is_refused(llama: Backbone) -> None:
    [row] = random_rows(MAX_POSITIONS)
    slots = capture(llama, one(row))
    with pytest.raises(ContextTooLong):
        inject_prefix(llama, read(llama, one(row[:1])), slots)


def test_slots_of_another_model_are_refused(llama: Backbone, gemma: Backbone) -> None:
    [row] = random_rows(6)
    with pytest.raises(InvalidInput, match="slots"):
        inject_prefix(llama, read(llama, one(row)), capture(gemma, one(row)))


def _residual(backbone: Backbone, row: list[int], gate: float) -> Tensor:
    """Logits after adding another text's cache to the row's own."""
    own = read(backbone, one(row[:-QUESTION]))
    [other] = random_rows(len(row) - QUESTION, seed=1)
    gates = torch.full((1, 1, 1, 1, 1), gate)
    updated = inject_residual(
        backbone,
        own,
        capture(backbone, one(other)),
        key_gates_LBHTD=gates,
        value_gates_LBHTD=gates,
    )
    return _asked(backbone, updated, row)


def test_a_residual_with_gate_zero_changes_nothing(backbone: Backbone) -> None:
    [row] = random_rows(12)
    _assert_close(_residual(backbone, row, 0.0), _reading(backbone, row))


def test_a_residual_with_an_open_gate_changes_the_reading(backbone: Backbone) -> None:
    [row] = random_rows(12)
    assert (_residual(backbone, row, 1.0) - _reading(backbone, row)).abs().max() > 0.01


def test_the_difference_of_two_texts_turns_one_cache_into_the_other(backbone: Backbone) -> None:
    """R + (S - R) = S, keys included: the update is rotated to the right positions."""
    [row], [other] = random_rows(12), random_rows(12, seed=1)
    mine, theirs = (capture(backbone, one(text[:-QUESTION])) for text in (row, other))
    difference = KVCache(
        keys_LBHTD=theirs.keys_LBHTD - mine.keys_LBHTD,
        values_LBHTD=theirs.values_LBHTD - mine.values_LBHTD,
        mask_BT=mine.mask_BT,
    )
    gates = torch.ones(1, 1, 1, 1, 1)
    updated = inject_residual(
        backbone,
        read(backbone, one(row[:-QUESTION])),
        difference,
        key_gates_LBHTD=gates,
        value_gates_LBHTD=gates,
    )
    expected = _reading(backbone, other[:-QUESTION] + row[-QUESTION:])
    _assert_close(_asked(backbone, updated, row), expected)


def test_a_residual_leaves_masked_columns(llama: Backbone) -> None:
    ids, mask = batch(random_rows(5, 3))
    own, update = read(llama, ids, mask), capture(llama, *batch(random_rows(5, 3, seed=1)))
    gates = torch.ones(1, 1, 1, 1, 1)
    updated = inject_residual(llama, own, update, key_gates_LBHTD=gates, value_gates_LBHTD=gates)
    assert torch.equal(updated.keys[-1][1, :, 3:], own.keys[-1][1, :, 3:])
    assert not torch.equal(updated.keys[-1][1, :, :3], own.keys[-1][1, :, :3])


def test_an_update_of_other_columns_is_refused(llama: Backbone) -> None:
    [row] = random_rows(6)
    gates = torch.ones(1, 1, 1, 1, 1)
    with pytest.raises(InvalidInput, match="update"):
        inject_residual(
            llama,
            read(llama, one(row)),
            capture(llama, one(row[1:])),
            key_gates_LBHTD=gates,
            value_gates_LBHTD=gates,
        )
