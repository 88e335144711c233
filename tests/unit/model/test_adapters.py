"""Adapters as services load them: what they summarise, and which layouts they translate."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from latentflow.errors import AdapterCorrupt, IdentityMismatch, InvalidInput
from latentflow.model.adapter_file import read_header, write_adapter
from latentflow.model.adapters import ADAPTER_FILE, SharerAdapter, load_sharer_adapter
from latentflow.model.capture import KVCache, capture
from latentflow.model.injection import inject_prefix
from latentflow.model.method import Rows
from latentflow.model.reading import read
from latentflow.vectors import Vectors
from tests.tiny_adapters import WIDTH
from tests.tiny_pair import ADAPTER, TinyPair, write_tiny_pair
from tests.unit.model.tokens_at_random import batch, one, random_rows

TOKENS = 7


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> TinyPair:
    return write_tiny_pair(tmp_path_factory.mktemp("pair"))


@pytest.fixture
def adapter(pair: TinyPair) -> SharerAdapter:
    return pair.sharer_adapter()


@pytest.fixture
def cache(pair: TinyPair) -> KVCache:
    return capture(pair.sharer, one(random_rows(TOKENS)[0]))


def test_a_token_is_a_vector_of_the_whole_width(adapter: SharerAdapter, cache: KVCache) -> None:
    vectors = adapter.summarise(cache)
    layout = vectors.layout
    assert (layout.layers, layout.slots, layout.width) == (1, TOKENS, WIDTH)
    assert adapter.summarise(cache, budget=WIDTH) == vectors


def test_padding_does_not_travel(pair: TinyPair, adapter: SharerAdapter) -> None:
    padded = capture(pair.sharer, *batch(random_rows(TOKENS, TOKENS + 4))).row(0)
    assert adapter.summarise(padded).layout.slots == TOKENS


def test_a_foreign_budget_is_not_summarised(adapter: SharerAdapter, cache: KVCache) -> None:
    with pytest.raises(InvalidInput, match="budget"):
        adapter.summarise(cache, budget=WIDTH - 1)


def test_every_token_becomes_a_slot(pair: TinyPair, adapter: SharerAdapter, cache: KVCache) -> None:
    slots = pair.receiver_adapter().translate(adapter.summarise(cache))
    assert (slots.rows, slots.tokens) == (1, TOKENS)
    assert slots.mask_BT.all()


@pytest.mark.parametrize(
    ("field", "changes"), [("layout.width", {"width": WIDTH - 1}), ("layout.layers", {"layers": 2})]
)
def test_a_foreign_layout_is_not_translated(
    pair: TinyPair, adapter: SharerAdapter, cache: KVCache, field: str, changes: Any
) -> None:
    layout = replace(adapter.summarise(cache).layout, **changes)
    values = bytes(4 * layout.vectors * layout.width)
    with pytest.raises(IdentityMismatch) as refusal:
        pair.receiver_adapter().translate(Vectors(layout=layout, values=values))
    assert refusal.value.field == field


def test_two_sharers_latents_enter_one_behind_the_other_as_if_each_had_come_alone(
    pair: TinyPair, adapter: SharerAdapter
) -> None:
    receiver, half = pair.receiver, pair.receiver_adapter()
    first, second = (adapter.summarise(capture(pair.sharer, one(row))) for row in random_rows(3, 5))
    own = read(receiver, one(random_rows(4)[0]))
    together, rest = half.ready(receiver, own, [first, second], Rows(ids=((5, 6),)))
    in_turn = inject_prefix(receiver, own, half.translate(first))
    in_turn = inject_prefix(receiver, in_turn, half.translate(second))
    assert rest == [[5, 6]]
    torch.testing.assert_close(together.keys, in_turn.keys)
    torch.testing.assert_close(together.values, in_turn.values)


@pytest.mark.parametrize("changes", [{"sharer_layers": 3}, {"width": 8}])
def test_a_file_with_foreign_hyperparameters_is_corrupt(
    pair: TinyPair, tmp_path: Path, changes: dict[str, object]
) -> None:
    source, copy = pair.adapters / ADAPTER / ADAPTER_FILE, tmp_path / ADAPTER_FILE
    header = read_header(source)
    hyperparameters = {**header.hyperparameters, **changes}
    write_adapter(copy, replace(header, hyperparameters=hyperparameters), load_file(source))
    with pytest.raises(AdapterCorrupt):
        load_sharer_adapter("copy", copy, pair.sharer)
