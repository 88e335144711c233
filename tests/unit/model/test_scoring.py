"""How likely given answers are, against reading each text whole."""

import pytest

from latentflow.errors import ContextTooLong, EmptyInput, InvalidInput
from latentflow.model.backbone import Backbone
from latentflow.model.reading import empty_cache, read
from latentflow.model.scoring import score_options
from latentflow.model.tokens import plain_ids
from tests.tiny_models import MAX_POSITIONS
from tests.unit.model.tokens_at_random import one, random_rows

OPTIONS = [" Paris", " the Hague", "\n"]


def _read_whole(backbone: Backbone, row: list[int], option: str) -> float:
    ids = plain_ids(backbone.tokenizer, option)
    logits = backbone.model(one(row + ids)).logits[0, len(row) - 1 : -1]
    return float(sum(logits[at].log_softmax(-1)[token] for at, token in enumerate(ids)))


def test_scores_are_what_reading_each_text_gives(backbone: Backbone) -> None:
    [row] = random_rows(20)
    scores = score_options(backbone, read(backbone, one(row[:12])), row[12:], OPTIONS)
    for option, score in zip(OPTIONS, scores, strict=True):
        expected = _read_whole(backbone, row, option)
        assert score.log_probability == pytest.approx(expected, abs=1e-3)
        assert score.tokens == len(plain_ids(backbone.tokenizer, option))


@pytest.mark.parametrize("options", [[], ["a", ""]])
def test_an_empty_option_is_refused(llama: Backbone, options: list[str]) -> None:
    with pytest.raises(EmptyInput):
        score_options(llama, empty_cache(llama, 1), [5], options)


def test_an_empty_prompt_is_refused(llama: Backbone) -> None:
    with pytest.raises(EmptyInput):
        score_options(llama, empty_cache(llama, 1), [], OPTIONS)


def test_options_beyond_the_models_positions_are_refused(llama: Backbone) -> None:
    [row] = random_rows(MAX_POSITIONS - 2)
    with pytest.raises(ContextTooLong):
        score_options(llama, empty_cache(llama, 1), row, OPTIONS)


def test_a_cache_of_many_rows_is_refused(llama: Backbone) -> None:
    with pytest.raises(InvalidInput):
        score_options(llama, empty_cache(llama, 2), [5], OPTIONS)
