"""Continuations read side by side: each as if it stood alone behind what was read before."""

from itertools import chain

import pytest
import torch
from torch import Tensor

from latentflow.model.backbone import Backbone
from latentflow.model.reading import ReadCache, continue_from, read
from tests.tiny_models import WINDOW
from tests.unit.model.conftest import Load
from tests.unit.model.tokens_at_random import batch, one, random_rows

Rows = list[list[int]]

PASTS = {"within the window": 2, "past the window": 3 * WINDOW}
LENGTHS = (4, 2 * WINDOW, 3)
every_past = pytest.mark.parametrize("past", PASTS.values(), ids=PASTS.keys())


@pytest.fixture(params=["llama", "gemma3"])
def model(request: pytest.FixtureRequest, tiny: Load) -> Backbone:
    """One with full attention, one with windows in some layers."""
    return tiny(request.param)


def _side_by_side(model: Backbone, cache: ReadCache, rows: list[Rows]) -> Tensor:
    """Hidden states of each row's continuations, laid after one another."""
    ids, mask = batch([list(chain.from_iterable(continuations)) for continuations in rows])
    starts, _ = batch([_starts(continuations) for continuations in rows])
    hidden, _ = continue_from(model, cache, ids, mask, starts_BT=starts)
    return hidden


def _starts(continuations: Rows) -> list[int]:
    starts: list[int] = []
    for row in continuations:
        starts += [len(starts)] * len(row)
    return starts


def _each_alone(model: Backbone, cache: ReadCache, continuations: Rows) -> Tensor:
    return torch.cat([continue_from(model, cache, one(row))[0][0] for row in continuations])


def _assert_close(actual: Tensor, expected: Tensor) -> None:
    torch.testing.assert_close(actual, expected, atol=1e-4, rtol=1e-4)


@every_past
def test_a_continuation_does_not_see_its_neighbours(model: Backbone, past: int) -> None:
    before, *continuations = random_rows(past, *LENGTHS)
    cache = read(model, one(before))
    hidden = _side_by_side(model, cache, [continuations])
    _assert_close(hidden[0], _each_alone(model, cache, continuations))


@every_past
def test_rows_of_a_padded_batch_have_continuations_of_their_own(model: Backbone, past: int) -> None:
    first, second, *continuations = random_rows(past, past + 5, *LENGTHS)
    rows = [continuations, continuations[::-1][:2]]
    hidden = _side_by_side(model, read(model, *batch([first, second])), rows)
    for index, before in enumerate((first, second)):
        expected = _each_alone(model, read(model, one(before)), rows[index])
        _assert_close(hidden[index, : len(expected)], expected)


def test_one_read_past_serves_every_row(model: Backbone) -> None:
    before, *continuations = random_rows(WINDOW, *LENGTHS)
    cache = read(model, one(before))
    hidden = _side_by_side(model, cache, [continuations[:1], continuations[1:]])
    for index, row in enumerate((continuations[:1], continuations[1:])):
        expected = _each_alone(model, cache, row)
        _assert_close(hidden[index, : len(expected)], expected)


def test_a_single_continuation_needs_no_starts(model: Backbone) -> None:
    before, row = random_rows(WINDOW, WINDOW + 2)
    cache = read(model, one(before))
    _assert_close(_side_by_side(model, cache, [[row]]), continue_from(model, cache, one(row))[0])
