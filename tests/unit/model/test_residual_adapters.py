"""Adapters of `lcf`, `lcf-x` and `c2c` from their files: what crosses, and what is refused."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from latentflow.errors import (
    AdapterCorrupt,
    EmptyInput,
    IdentityMismatch,
    InvalidInput,
    UnsupportedMethod,
)
from latentflow.latent import Method
from latentflow.model.adapter_file import read_header, write_adapter
from latentflow.model.adapters import (
    ADAPTER_FILE,
    SERVED,
    ReceiverAdapter,
    SharerAdapter,
    layout_for,
    load_receiver_adapter,
    load_sharer_adapter,
)
from latentflow.model.backbone import Backbone
from latentflow.model.capture import capture
from latentflow.model.lcf_x import SPANS
from latentflow.model.pooling import NO_SPAN
from latentflow.model.reading import read
from latentflow.vectors import Vectors
from tests.tiny_residuals import WIDTH, write_tiny_residual
from tests.unit.model.fresh_halves import RESIDUAL, latents_of, rows_of
from tests.unit.model.tokens_at_random import one, random_rows

[TEXT] = random_rows(9, seed=1)
[ASKED] = random_rows(7, seed=2)


@pytest.fixture(params=RESIDUAL)
def method(request: pytest.FixtureRequest) -> Method:
    chosen: Method = request.param
    return chosen


@pytest.fixture
def path(method: Method, llama: Backbone, gemma: Backbone, tmp_path: Path) -> Path:
    write_tiny_residual(tmp_path, method, llama, gemma)
    return tmp_path / ADAPTER_FILE


@pytest.fixture
def sharer(path: Path, llama: Backbone) -> SharerAdapter:
    return load_sharer_adapter("tiny", path, llama)


@pytest.fixture
def receiver(path: Path, gemma: Backbone) -> ReceiverAdapter:
    return load_receiver_adapter("tiny", path, gemma)


def test_what_crosses_acts_like_the_latents_themselves(
    sharer: SharerAdapter, receiver: ReceiverAdapter, llama: Backbone, gemma: Backbone
) -> None:
    vectors = sharer.summarise(capture(llama, one(TEXT)))
    own, rows = read(gemma, one(random_rows(3)[0])), rows_of([ASKED])
    arrived, left = receiver.ready(gemma, own, [vectors], rows)
    with torch.inference_mode():
        latents = latents_of(sharer.encoder, llama, [TEXT])
        expected, _ = receiver.decoder.ready(gemma, own, latents, rows)
    assert left == [ASKED[-1:]]
    torch.testing.assert_close(arrived.keys, expected.keys)


def test_its_layout_is_a_vector_a_layer_and_slot(
    method: Method, sharer: SharerAdapter, llama: Backbone, gemma: Backbone
) -> None:
    layout = sharer.summarise(capture(llama, one(TEXT))).layout
    width = WIDTH if method is Method.LCF else 2 * llama.shape.kv_width
    assert (layout.slots, layout.layers, layout.width) == (len(TEXT), gemma.shape.layers, width)


def test_a_budget_of_spans_is_their_number(
    llama: Backbone, gemma: Backbone, tmp_path: Path
) -> None:
    write_tiny_residual(tmp_path, Method.LCF_X, llama, gemma)
    sharer = load_sharer_adapter("tiny", tmp_path / ADAPTER_FILE, llama)
    assert layout_for(sharer.header).budgets == sharer.budgets == SPANS
    assert sharer.summarise(capture(llama, one(TEXT)), budget=4).layout.slots == 3


def test_a_text_cut_in_spans_has_a_slot_a_span_unless_fewer_are_asked_for(
    llama: Backbone, gemma: Backbone, tmp_path: Path
) -> None:
    write_tiny_residual(tmp_path, Method.LCF_X, llama, gemma)
    sharer = load_sharer_adapter("tiny", tmp_path / ADAPTER_FILE, llama)
    read = capture(llama, one(TEXT))
    spans = [*([0] * (len(TEXT) - 2)), 1, 1]
    assert sharer.summarise(read, spans=spans).layout.slots == 2
    assert sharer.summarise(read, budget=1, spans=spans).layout.slots == 1
    windows = sharer.summarise(read)
    assert sharer.summarise(read, spans=[NO_SPAN] * len(TEXT)) == windows


@pytest.mark.parametrize("changes", [{"layers": 2}, {"width": 5}], ids=str)
def test_a_foreign_layout_is_refused_by_the_field_that_differs(
    receiver: ReceiverAdapter,
    sharer: SharerAdapter,
    llama: Backbone,
    gemma: Backbone,
    changes: Any,
) -> None:
    layout = replace(sharer.summarise(capture(llama, one(TEXT))).layout, **changes)
    foreign = Vectors(layout=layout, values=bytes(4 * layout.vectors * layout.width))
    with pytest.raises(IdentityMismatch) as refusal:
        receiver.ready(gemma, read(gemma, one(TEXT)), [foreign], rows_of([ASKED]))
    assert refusal.value.field == f"layout.{next(iter(changes))}"


def test_nothing_that_arrived_is_refused(receiver: ReceiverAdapter, gemma: Backbone) -> None:
    with pytest.raises(EmptyInput):
        receiver.ready(gemma, read(gemma, one(TEXT)), [], rows_of([ASKED]))


def test_it_is_no_prefix(sharer: SharerAdapter, receiver: ReceiverAdapter, llama: Backbone) -> None:
    with pytest.raises(UnsupportedMethod):
        receiver.translate(sharer.summarise(capture(llama, one(TEXT))))


def test_who_can_serve_prefixes_alone_does_not_load_it(
    path: Path, llama: Backbone, gemma: Backbone
) -> None:
    with pytest.raises(UnsupportedMethod):
        load_sharer_adapter("tiny", path, llama, methods=SERVED)
    with pytest.raises(UnsupportedMethod):
        load_receiver_adapter("tiny", path, gemma, methods=SERVED)


@pytest.mark.parametrize(
    "changes",
    [
        {"width": 0},
        {"width": 6.0},
        {"width": 4},
        {"width": True},
        {"layers": [0, 1]},
        {"layers": [2, 1, 0]},
        {"layers": [0, 1, 9]},
        {"layers": "012"},
        {"sharer_layers": 4},
        {"receiver_head_dim": 8},
        {"colour": 1},
    ],
    ids=str,
)
def test_hyperparameters_that_do_not_fit_are_corrupt(
    path: Path, method: Method, llama: Backbone, gemma: Backbone, changes: dict[str, object]
) -> None:
    """`width` 4 fits lcf-x's sharer and c2c's, which have no weight of that size."""
    header = read_header(path)
    wrong = replace(header, hyperparameters={**header.hyperparameters, **changes})
    write_adapter(path, wrong, load_file(path))
    with pytest.raises(AdapterCorrupt):
        _load_both(path, llama, gemma)


def _load_both(path: Path, llama: Backbone, gemma: Backbone) -> None:
    load_receiver_adapter("tiny", path, gemma)
    load_sharer_adapter("tiny", path, llama)


def test_a_missing_size_is_corrupt(path: Path, llama: Backbone) -> None:
    header = read_header(path)
    rest = {name: each for name, each in header.hyperparameters.items() if name != "layers"}
    write_adapter(path, replace(header, hyperparameters=rest), load_file(path))
    with pytest.raises(AdapterCorrupt):
        load_sharer_adapter("tiny", path, llama)


def test_a_budget_that_is_not_offered_is_refused(sharer: SharerAdapter, llama: Backbone) -> None:
    with pytest.raises(InvalidInput, match="budget"):
        sharer.summarise(capture(llama, one(TEXT)), budget=-3)
