"""Batches of rows padded on the right."""

import pytest
import torch

from latentflow.errors import EmptyInput
from latentflow.model.backbone import Backbone
from latentflow.model.tokens import begin_ids, pad_right, plain_ids

CPU = torch.device("cpu")


def test_rows_keep_their_tokens_and_padding_is_masked() -> None:
    ids, mask = pad_right([[5, 6, 7], [8]], device=CPU)
    assert ids[mask].tolist() == [5, 6, 7, 8]
    assert mask.tolist() == [[True, True, True], [True, False, False]]


def test_widths_round_up_to_a_multiple() -> None:
    ids, mask = pad_right([[5, 6, 7]], device=CPU, multiple=8)
    assert ids.shape == (1, 8)
    assert mask.sum() == 3


@pytest.mark.parametrize("rows", [[], [[1], []]])
def test_an_empty_row_is_refused(rows: list[list[int]]) -> None:
    with pytest.raises(EmptyInput):
        pad_right(rows, device=CPU)


def test_plain_ids_have_nothing_around_them(llama: Backbone) -> None:
    tokenizer = llama.tokenizer
    assert tokenizer.decode(plain_ids(tokenizer, " the end")) == " the end"
    assert tokenizer.decode(begin_ids(tokenizer)) == "<bos>"
