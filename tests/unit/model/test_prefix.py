"""The lcf-prefix adapter: shapes, padding, windows, and the parameters it costs."""

import pytest
import torch

from latentflow.errors import InvalidInput
from latentflow.model.backbone import Backbone
from latentflow.model.capture import KVCache, capture
from latentflow.model.prefix import (
    PrefixDecoder,
    PrefixEncoder,
    PrefixSpec,
    flatten,
    prefix_spec,
    spec_from,
)
from tests.unit.model.tokens_at_random import batch, one, random_rows

LENGTHS = (11, 6)


@pytest.fixture
def spec(llama: Backbone, gemma: Backbone) -> PrefixSpec:
    return prefix_spec(llama.shape, gemma.shape, width=16)


@pytest.fixture
def halves(spec: PrefixSpec) -> tuple[PrefixEncoder, PrefixDecoder]:
    torch.manual_seed(0)
    return PrefixEncoder(spec).eval(), PrefixDecoder(spec).eval()


def test_the_study_pair_costs_under_seven_million_parameters() -> None:
    spec = PrefixSpec(
        sharer_layers=30,
        sharer_kv_width=192,
        receiver_layers=18,
        receiver_kv_heads=1,
        receiver_head_dim=256,
    )
    assert (spec.features, spec.targets) == (11_520, 9_216)
    modules = (PrefixEncoder(spec), PrefixDecoder(spec))
    assert sum(p.numel() for module in modules for p in module.parameters()) == 6_897_928


@pytest.mark.parametrize("window", [1, 2, 4, 8])
def test_a_window_of_tokens_is_one_slot(
    llama: Backbone,
    gemma: Backbone,
    halves: tuple[PrefixEncoder, PrefixDecoder],
    window: int,
) -> None:
    encoder, decoder = halves
    latents, mask = encoder(capture(llama, *batch(random_rows(*LENGTHS))), window)
    assert mask.sum(-1).tolist() == [-(-length // window) for length in LENGTHS]
    slots = decoder(latents, mask)
    assert slots.keys_LBHTD.shape[:3] == (gemma.shape.layers, 2, gemma.shape.kv_heads)
    assert slots.keys_LBHTD.shape[-1] == gemma.shape.head_dim


def test_padding_changes_nothing(
    llama: Backbone, halves: tuple[PrefixEncoder, PrefixDecoder]
) -> None:
    encoder, decoder = halves
    rows = random_rows(*LENGTHS)
    together = decoder(*encoder(capture(llama, *batch(rows)), 2))
    for row, ids in enumerate(rows):
        alone = decoder(*encoder(capture(llama, one(ids)), 2))
        torch.testing.assert_close(
            together.values_LBHTD[:, row, :, : alone.tokens],
            alone.values_LBHTD[:, 0],
            atol=1e-4,
            rtol=1e-4,
        )


def test_an_untrained_window_is_refused(
    llama: Backbone, halves: tuple[PrefixEncoder, PrefixDecoder]
) -> None:
    with pytest.raises(InvalidInput) as refusal:
        halves[0](capture(llama, one(random_rows(4)[0])), 3)
    assert refusal.value.field == "window"


def test_features_go_keys_then_values_layer_by_layer() -> None:
    keys = torch.arange(2 * 1 * 1 * 3 * 2.0).reshape(2, 1, 1, 3, 2)
    cache = KVCache(keys_LBHTD=keys, values_LBHTD=-keys, mask_BT=torch.ones(1, 3, dtype=torch.bool))
    assert flatten(cache)[0, 0].tolist() == [0, 1, 6, 7, -0.0, -1, -6, -7]


def test_the_decoder_undoes_what_flatten_does(spec: PrefixSpec) -> None:
    decoder = PrefixDecoder(spec)
    decoder.mean_F.copy_(torch.arange(float(spec.targets)))
    with torch.no_grad():
        decoder.deviation_F.zero_()
        slots = decoder(torch.zeros(1, 2, spec.width), torch.ones(1, 2, dtype=torch.bool))
    assert flatten(slots)[0, 1].tolist() == list(range(spec.targets))


@pytest.mark.parametrize(
    "wrong", [{}, {"windows": [1]}, {"windows": 5}, {"windows": [1], "colour": 1}]
)
def test_foreign_hyperparameters_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(InvalidInput):
        spec_from(wrong)
