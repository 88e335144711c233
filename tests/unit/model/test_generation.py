"""Decoding over a prepared cache: what it says, when it ends, and what it frees."""

from collections.abc import Sequence
from typing import Any

import pytest

from latentflow.calls import FinishReason, Sampling
from latentflow.errors import ContextTooLong, EmptyInput, InvalidInput
from latentflow.model.backbone import Backbone
from latentflow.model.generation import Piece, generate, stop_tokens
from latentflow.model.reading import empty_cache, read
from tests.tiny_models import MAX_POSITIONS, WINDOW
from tests.unit.model.tokens_at_random import batch, one, random_rows

TOKENS = 2 * WINDOW
GREEDY = Sampling(max_tokens=TOKENS)


def _texts(steps: Sequence[tuple[Piece, ...]], rows: int) -> list[str]:
    return ["".join(p.text for step in steps for p in step if p.row == row) for row in range(rows)]


def _ends(steps: Sequence[tuple[Piece, ...]]) -> dict[int, FinishReason]:
    return {piece.row: piece.finish for step in steps for piece in step if piece.finish}


def _alone(backbone: Backbone, row: list[int], sampling: Sampling = GREEDY) -> str:
    steps = list(generate(backbone, read(backbone, one(row[:3])), [row[3:]], [sampling]))
    return _texts(steps, 1)[0]


def _by_transformers(backbone: Backbone, row: list[int]) -> str:
    model: Any = backbone.model
    ids = model.generate(one(row), max_new_tokens=TOKENS, do_sample=False)[0, len(row) :]
    text = backbone.tokenizer.decode(ids, skip_special_tokens=True)
    assert isinstance(text, str)
    return text


def test_greedy_is_what_transformers_generates(backbone: Backbone) -> None:
    for row in random_rows(6, 3 * WINDOW):
        assert _alone(backbone, row) == _by_transformers(backbone, row)


def test_a_batch_says_what_each_row_says_alone(backbone: Backbone) -> None:
    rows = random_rows(9, 3 * WINDOW, 5)
    wishes = [GREEDY, Sampling(max_tokens=5, temperature=1.0, seed=7), Sampling(max_tokens=9)]
    own = read(backbone, *batch([row[:3] for row in rows]))
    steps = list(generate(backbone, own, [row[3:] for row in rows], wishes))
    alone = [_alone(backbone, row, wish) for row, wish in zip(rows, wishes, strict=True)]
    assert _texts(steps, 3) == alone


def test_one_cache_serves_many_prompts(llama: Backbone) -> None:
    prefix, *prompts = random_rows(5, 4, 7)
    steps = list(generate(llama, read(llama, one(prefix)), prompts, [GREEDY] * 2))
    assert _texts(steps, 2) == [_by_transformers(llama, prefix + prompt) for prompt in prompts]


def test_an_answer_may_start_without_any_cache(llama: Backbone) -> None:
    [row] = random_rows(6)
    steps = list(generate(llama, empty_cache(llama, 1), [row], [GREEDY]))
    assert _texts(steps, 1) == [_by_transformers(llama, row)]


def test_max_tokens_end_an_answer_with_length(llama: Backbone) -> None:
    prompts = random_rows(4, 4)
    wishes = [Sampling(max_tokens=2), Sampling(max_tokens=4)]
    steps = list(generate(llama, empty_cache(llama, 1), prompts, wishes))
    assert [len(step) for step in steps] == [2, 2, 1, 1]
    assert _ends(steps) == {0: FinishReason.MAX_TOKENS, 1: FinishReason.MAX_TOKENS}
    assert steps[-1][0].tokens == 4


def test_a_stop_string_ends_an_answer_and_is_not_said(llama: Backbone) -> None:
    [row] = random_rows(6)
    text = _alone(llama, row)
    stop = text[4:7]
    stopping = Sampling(max_tokens=TOKENS, stop=(stop,))
    steps = list(generate(llama, read(llama, one(row[:3])), [row[3:]], [stopping]))
    assert _texts(steps, 1) == [text[: text.index(stop)]]
    assert _ends(steps) == {0: FinishReason.STOP}
    assert len(steps) < TOKENS


def test_the_models_end_token_ends_an_answer(llama: Backbone) -> None:
    """Whatever token comes third is made the model's end."""
    [row] = random_rows(6)
    model: Any = llama.model
    third = int(model.generate(one(row), max_new_tokens=3, do_sample=False)[0, -1])
    ends = model.generation_config.eos_token_id
    model.generation_config.eos_token_id = [ends, third]
    try:
        assert stop_tokens(llama) == {ends, third}
        steps = list(generate(llama, empty_cache(llama, 1), [row], [GREEDY]))
    finally:
        model.generation_config.eos_token_id = ends
    assert _ends(steps) == {0: FinishReason.STOP}
    assert len(steps) == 3
    assert _alone(llama, row).startswith(_texts(steps, 1)[0])
    assert len(_texts(steps, 1)[0]) < len(_alone(llama, row))


def test_a_cancelled_row_leaves_and_the_others_go_on(llama: Backbone) -> None:
    rows = random_rows(4, 6)
    steps: list[tuple[Piece, ...]] = []
    answering = generate(
        llama,
        empty_cache(llama, 1),
        rows,
        [GREEDY] * 2,
        is_cancelled=lambda row: row == 0 and len(steps) == 3,
    )
    for step in answering:
        steps.append(step)  # noqa: PERF402 (the call above looks at what has come so far)
    assert _ends(steps) == {1: FinishReason.MAX_TOKENS}
    assert [len(step) for step in steps] == [2] * 3 + [1] * (TOKENS - 3)
    assert _texts(steps, 2)[1] == _by_transformers(llama, rows[1])


def test_an_answer_ends_at_the_models_last_position(llama: Backbone) -> None:
    [row] = random_rows(MAX_POSITIONS - 3)
    steps = list(generate(llama, empty_cache(llama, 1), [row], [GREEDY]))
    assert len(steps) == 3
    assert _ends(steps) == {0: FinishReason.MAX_TOKENS}


def test_a_prompt_without_room_for_an_answer_is_refused(llama: Backbone) -> None:
    with pytest.raises(ContextTooLong):
        next(generate(llama, empty_cache(llama, 1), random_rows(MAX_POSITIONS), [GREEDY]))


def test_an_empty_prompt_is_refused(llama: Backbone) -> None:
    with pytest.raises(EmptyInput):
        next(generate(llama, empty_cache(llama, 1), [[]], [GREEDY]))


def test_every_prompt_needs_its_sampling(llama: Backbone) -> None:
    with pytest.raises(InvalidInput):
        next(generate(llama, empty_cache(llama, 1), random_rows(3, 3), [GREEDY]))
