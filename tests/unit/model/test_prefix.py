"""The lcf-prefix adapter: shapes, padding, and the parameters it costs."""

import json
from dataclasses import asdict, replace

import pytest
import torch
from torch import Tensor

from latentflow.errors import InvalidInput
from latentflow.model.backbone import Backbone
from latentflow.model.capture import KVCache, capture
from latentflow.model.method import spec_from_json
from latentflow.model.prefix import (
    PrefixDecoder,
    PrefixEncoder,
    PrefixSpec,
    flatten,
    prefix_spec,
)
from tests.unit.model.tokens_at_random import batch, one, random_rows

LENGTHS = (11, 6)
STUDY_PAIR = PrefixSpec(
    layers=tuple(range(0, 30, 2)),
    sharer_kv_width=192,
    receiver_layers=18,
    receiver_kv_heads=1,
    receiver_head_dim=256,
    width=256,
)

Halves = tuple[PrefixEncoder, PrefixDecoder]


@pytest.fixture
def spec(llama: Backbone, gemma: Backbone) -> PrefixSpec:
    return prefix_spec(llama.shape, gemma.shape, width=16, stride=2)


@pytest.fixture
def halves(spec: PrefixSpec) -> Halves:
    torch.manual_seed(0)
    return PrefixEncoder(spec).eval(), PrefixDecoder(spec).eval()


@pytest.fixture
def cache(llama: Backbone) -> KVCache:
    return capture(llama, *batch(random_rows(*LENGTHS)))


def full(slots: int) -> Tensor:
    return torch.ones(1, slots, dtype=torch.bool)


def test_the_sizes_follow_from_the_models_shapes(llama: Backbone, gemma: Backbone) -> None:
    spec = prefix_spec(llama.shape, gemma.shape, width=16, stride=2)
    assert spec.layers == (0, 2)
    assert spec.features == 2 * 2 * llama.shape.kv_width
    assert spec.targets == 2 * gemma.shape.layers * gemma.shape.kv_width


def test_the_study_pair_costs_under_seven_million_parameters() -> None:
    assert (STUDY_PAIR.features, STUDY_PAIR.targets) == (5_760, 9_216)
    modules = (PrefixEncoder(STUDY_PAIR), PrefixDecoder(STUDY_PAIR))
    assert sum(p.numel() for module in modules for p in module.parameters()) == 6_213_388


def test_only_the_layers_of_the_spec_are_read(cache: KVCache, halves: Halves) -> None:
    changed = cache.keys_LBHTD.clone()
    changed[1] += 1.0
    unread = replace(cache, keys_LBHTD=changed)
    assert torch.equal(halves[0](unread), halves[0](cache))
    changed = cache.keys_LBHTD.clone()
    changed[2] += 1.0
    assert not torch.equal(halves[0](replace(cache, keys_LBHTD=changed)), halves[0](cache))


def test_a_token_is_one_slot(gemma: Backbone, cache: KVCache, halves: Halves) -> None:
    encoder, decoder = halves
    slots = decoder(encoder(cache), cache.mask_BT)
    shape = gemma.shape
    assert slots.keys_LBHTD.shape == (shape.layers, 2, shape.kv_heads, 11, shape.head_dim)
    assert slots.values_LBHTD.shape == slots.keys_LBHTD.shape
    assert torch.equal(slots.mask_BT, cache.mask_BT)


def test_padding_changes_nothing(llama: Backbone, cache: KVCache, halves: Halves) -> None:
    encoder, decoder = halves
    together = decoder(encoder(cache), cache.mask_BT)
    for row, ids in enumerate(random_rows(*LENGTHS)):
        read = capture(llama, one(ids))
        alone = decoder(encoder(read), read.mask_BT)
        torch.testing.assert_close(
            together.values_LBHTD[:, row, :, : alone.tokens],
            alone.values_LBHTD[:, 0],
            atol=1e-4,
            rtol=1e-4,
        )


@pytest.mark.parametrize("width", [0, 3, 32])
def test_a_foreign_width_is_refused(halves: Halves, width: int) -> None:
    with pytest.raises(InvalidInput) as refusal:
        halves[1](torch.zeros(1, 2, width), full(2))
    assert refusal.value.field == "width"


def test_features_go_keys_then_values_layer_by_layer() -> None:
    keys = torch.arange(2 * 1 * 1 * 3 * 2.0).reshape(2, 1, 1, 3, 2)
    assert flatten(keys, -keys)[0, 0].tolist() == [0, 1, 6, 7, -0.0, -1, -6, -7]


def test_the_decoder_undoes_what_flatten_does(spec: PrefixSpec) -> None:
    decoder = PrefixDecoder(spec)
    decoder.mean_F.copy_(torch.arange(float(spec.targets)))
    with torch.no_grad():
        decoder.deviation_F.zero_()
        slots = decoder(torch.zeros(1, 2, spec.width), full(2))
    filled = flatten(slots.keys_LBHTD, slots.values_LBHTD)
    assert filled[0, 1].tolist() == list(range(spec.targets))


def test_hyperparameters_survive_json(spec: PrefixSpec) -> None:
    assert spec_from_json(PrefixSpec, json.loads(json.dumps(asdict(spec)))) == spec


@pytest.mark.parametrize(
    "wrong",
    [
        {"colour": 1},
        {"layers": []},
        {"width": [16]},
        {"width": 0},
        {"width": 18},
        {"width": 24},
        {"layers": [-1]},
        {"heads": 0},
        {"receiver_layers": 0},
    ],
    ids=str,
)
def test_foreign_hyperparameters_are_refused(spec: PrefixSpec, wrong: dict[str, object]) -> None:
    with pytest.raises(InvalidInput):
        spec_from_json(PrefixSpec, asdict(spec) | wrong)


@pytest.mark.parametrize("name", ["layers", "width", "receiver_layers"])
def test_missing_hyperparameters_are_refused(spec: PrefixSpec, name: str) -> None:
    values = asdict(spec)
    del values[name]
    with pytest.raises(InvalidInput):
        spec_from_json(PrefixSpec, values)
