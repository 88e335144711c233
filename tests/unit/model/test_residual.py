"""The way into the receiver's cache, with updates that are known beforehand.

An update of S - R must turn the receiver's own columns into another text's, at any position.
"""

import pytest
import torch
from torch import Tensor

from latentflow.model.backbone import Backbone
from latentflow.model.c2c import C2CReceiver, C2CSharer
from latentflow.model.capture import capture
from latentflow.model.lcf_x import SpanReceiver, SpanSharer
from latentflow.model.method import Latents, join_slots
from latentflow.model.projector import LayerUpdate, by_head
from latentflow.model.reading import ReadCache, continue_from, read
from latentflow.model.residual import Before, ResidualReceiver, matched
from latentflow.model.residual_spec import ResidualSpec, residual_spec
from latentflow.model.standard import Standard, side_by_side
from tests.unit.model.fresh_halves import rows_of
from tests.unit.model.tokens_at_random import batch, one, random_rows

PREFIX = 3
[FIRST] = random_rows(PREFIX)
[MINE] = random_rows(12, seed=1)
[THEIRS] = random_rows(12, seed=2)


class Copier(ResidualReceiver):
    """Takes each column's slot for its own: S - R of the same layer and heads."""

    def __init__(self, backbone: Backbone, layers: tuple[int, ...]) -> None:
        spec = residual_spec(backbone.shape, backbone.shape, width=8).keep(layers)
        super().__init__(spec, sent_width=spec.sharer_columns, gate_start=1.0)
        self._heads = (backbone.shape.kv_heads, backbone.shape.head_dim)
        self.eval()

    def sent(self, latents: Latents, before: Before) -> tuple[Tensor, Tensor]:
        return matched(latents, before)

    def update(self, place: int, sent_BTw: Tensor, own_BKC: Tensor) -> LayerUpdate:
        keys, values = (sent_BTw - own_BKC).chunk(2, dim=-1)
        gates = torch.ones(len(keys), self._heads[0], keys.shape[1], 1)
        return LayerUpdate(
            keys_BHTD=by_head(keys, self._heads),
            values_BHTD=by_head(values, self._heads),
            key_gates_BHT1=gates,
            value_gates_BHT1=gates,
        )


def _raw(backbone: Backbone, layers: tuple[int, ...]) -> Latents:
    """The other text's columns as they are, read behind the same tokens as the receiver's."""
    cache = capture(backbone, one(FIRST + THEIRS))
    columns_LBTC = side_by_side(cache)[list(layers)]
    return Latents(values_BMLw=columns_LBTC.permute(1, 2, 0, 3), mask_BM=cache.mask_BT)


def _copied(backbone: Backbone, layers: tuple[int, ...]) -> ReadCache:
    own = read(backbone, one(FIRST))
    rows = rows_of([MINE], first_slot=PREFIX)
    return Copier(backbone, layers).ready(backbone, own, _raw(backbone, layers), rows)[0]


def test_an_update_of_the_difference_is_reading_the_other_text(backbone: Backbone) -> None:
    layers = tuple(range(backbone.shape.layers))
    hidden_BTC, _ = continue_from(backbone, _copied(backbone, layers), one(THEIRS[-1:]))
    whole_BTC, _ = continue_from(backbone, read(backbone, one(FIRST)), one(THEIRS))
    torch.testing.assert_close(hidden_BTC[0, -1], whole_BTC[0, -1], atol=1e-3, rtol=1e-3)


def test_only_the_chosen_layers_are_updated(gemma: Backbone) -> None:
    copied, plain = _copied(gemma, (1,)), read(gemma, one(FIRST + MINE[:-1]))
    columns = plain.mask_BK.shape[1]
    for layer in range(gemma.shape.layers):
        difference = copied.keys[layer][:, :, :columns] - plain.keys[layer]
        assert bool(difference.abs().max() > 1e-3) == (layer == 1)


def test_c2c_reads_keys_as_the_sharer_caches_them(backbone: Backbone) -> None:
    spec = residual_spec(backbone.shape, backbone.shape, width=8)
    columns = C2CSharer(spec, backbone.rope).columns(capture(backbone, one(MINE)))
    cache = read(backbone, one(MINE))
    keys_LBTw, values_LBTw = columns.chunk(2, dim=-1)
    for layer in range(backbone.shape.layers):
        keys, values = cache.keys[layer], cache.values[layer]
        torch.testing.assert_close(
            keys_LBTw[layer], keys.transpose(1, 2).flatten(2), atol=1e-4, rtol=1e-4
        )
        torch.testing.assert_close(
            values_LBTw[layer], values.transpose(1, 2).flatten(2), atol=1e-4, rtol=1e-4
        )


def test_c2c_reads_the_receivers_keys_as_they_are_cached(gemma: Backbone) -> None:
    half = C2CReceiver(residual_spec(gemma.shape, gemma.shape, width=8))
    cache = read(gemma, one(MINE))
    assert torch.equal(half.columns_of(gemma, cache).keys_LBHTD, torch.stack(cache.keys))


def _spans(llama: Backbone, gemma: Backbone) -> tuple[SpanSharer, SpanReceiver]:
    spec = residual_spec(llama.shape, gemma.shape, width=8)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return SpanSharer(spec).eval(), SpanReceiver(spec).eval()


def test_every_column_of_the_receiver_hears_of_the_spans(llama: Backbone, gemma: Backbone) -> None:
    theirs, own = _spans(llama, gemma)
    rows = rows_of([MINE])
    cache, _ = own.ready(
        gemma, read(gemma, one(FIRST)), theirs.latents(capture(llama, one(THEIRS)), 4), rows
    )
    plain = read(gemma, one(FIRST + MINE[:-1]))
    columns = plain.mask_BK.shape[1]
    moved = (cache.values[1][0, 0, :columns] - plain.values[1][0, 0]).abs().amax(-1)
    assert moved.gt(0).all()


def test_the_order_of_spans_and_sharers_does_not_matter(llama: Backbone, gemma: Backbone) -> None:
    theirs, own = _spans(llama, gemma)
    parts = [theirs.latents(capture(llama, one(text)), 4) for text in (MINE, THEIRS)]
    answers = [
        own.ready(gemma, read(gemma, one(FIRST)), join_slots(order), rows_of([MINE]))[0]
        for order in (parts, parts[::-1])
    ]
    torch.testing.assert_close(answers[0].keys, answers[1].keys, atol=1e-4, rtol=1e-4)


def test_spans_of_any_cut_can_be_sent(llama: Backbone, gemma: Backbone) -> None:
    theirs, _ = _spans(llama, gemma)
    cache = capture(llama, one(MINE[:5]))
    whole = theirs.over_spans(cache, torch.tensor([[0, 0, 1, 1, 1]]))
    first = theirs.over_spans(cache.slice_tokens(0, 2), torch.tensor([[0, 0]]))
    torch.testing.assert_close(whole.values_BMLw[:, :1], first.values_BMLw)


@pytest.mark.parametrize("budget", [1, 3, 16])
def test_a_budget_is_the_most_spans_that_travel(
    llama: Backbone, gemma: Backbone, budget: int
) -> None:
    theirs, _ = _spans(llama, gemma)
    cache = capture(llama, *batch([MINE, THEIRS[:5]]))
    spans = theirs.latents(cache, budget).mask_BM.sum(-1)
    assert spans.tolist() == [min(12, budget), min(5, -(-5 // -(-5 // budget)))]


def test_channels_are_centred_and_scaled_by_what_was_measured() -> None:
    columns = torch.randn(2, 3, 40, 4) * 7 + 3
    mask = torch.rand(3, 40) > 0.3
    standard = Standard(2, 4)
    assert torch.equal(standard(columns), columns)
    standard.measure(columns, mask)
    scaled = standard(columns)[:, mask]
    torch.testing.assert_close(scaled.mean(1), torch.zeros(2, 4), atol=1e-5, rtol=0)
    torch.testing.assert_close(scaled.std(1), torch.ones(2, 4), atol=1e-4, rtol=0)


def test_layers_are_paired_from_the_last_also_when_some_are_dropped() -> None:
    spec = ResidualSpec(
        sharer_layers=5,
        sharer_kv_heads=1,
        sharer_head_dim=2,
        receiver_layers=3,
        receiver_kv_heads=1,
        receiver_head_dim=2,
        layers=(0, 1, 2),
        width=4,
    )
    assert spec.sources == (2, 3, 4)
    assert spec.keep((2, 0)).sources == (2, 4)
