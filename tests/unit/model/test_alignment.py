"""Two tokenizers over one text: each sharer token finds the receiver token over its last letter."""

import pytest

from latentflow.errors import EmptyInput
from latentflow.model.alignment import align, share_prompt
from latentflow.model.prompt import PromptFormat
from latentflow.model.tokens import plain_ids
from tests.tiny_models import tiny_tokenizer


def test_a_tokenizer_is_aligned_with_itself_behind_a_leading_space() -> None:
    tokenizer = tiny_tokenizer(chat=False)
    alignment = align(tokenizer, tokenizer, "in her tower")
    ends = _ends(alignment.receiver_ids, " in her tower")
    starts = [0, *ends]
    for place, end in zip(
        alignment.receiver_places, _ends(alignment.sharer_ids, "in her tower"), strict=True
    ):
        assert starts[place] <= end < ends[place]  # `end` without the space is the last letter


def test_every_sharer_token_has_a_place() -> None:
    tokenizer = tiny_tokenizer(chat=False)
    alignment = align(tokenizer, tokenizer, "naïve — text")
    assert len(alignment.receiver_places) == len(alignment.sharer_ids)
    assert max(alignment.receiver_places) == len(alignment.receiver_ids) - 1
    assert list(alignment.receiver_places) == sorted(alignment.receiver_places)


def test_both_models_read_the_same_characters_at_a_slot() -> None:
    """The tiny tokenizer has tokens of one to four letters, so most boundaries agree."""
    tokenizer, form = tiny_tokenizer(chat=False), PromptFormat(question_template="\nQ: {question}")
    prompt = share_prompt(
        (tokenizer, tokenizer), form, context=" in the tin ", question="where is there?"
    )
    assert prompt.text == "in the tin\nQ: where is there?"
    sharer_ends = _ends(tuple(plain_ids(tokenizer, prompt.text)), prompt.text)
    said = tokenizer.decode(list(prompt.receiver_ids))
    assert said == f" {prompt.text}"
    end = 0
    for token, slot in zip(prompt.receiver_ids, prompt.slots, strict=True):
        end += len(tokenizer.decode([token]))
        last = max(end - 2, 0)  # the receiver reads one space more in front
        assert ([0, *sharer_ends])[slot] <= last < sharer_ends[slot]


def test_slots_never_go_back() -> None:
    tokenizer = tiny_tokenizer(chat=False)
    prompt = share_prompt(
        (tokenizer, tokenizer), PromptFormat(), context="naïve — text", question="the — end?"
    )
    assert list(prompt.slots) == sorted(prompt.slots)
    assert prompt.slots[-1] == len(plain_ids(tokenizer, prompt.text)) - 1


@pytest.mark.parametrize(("context", "question"), [(" ", "who?"), ("a hen", " ")])
def test_nothing_to_share_is_refused(context: str, question: str) -> None:
    tokenizers = (tiny_tokenizer(), tiny_tokenizer())
    with pytest.raises(EmptyInput):
        share_prompt(tokenizers, PromptFormat(), context=context, question=question)


def _ends(ids: tuple[int, ...], text: str) -> list[int]:
    tokenizer = tiny_tokenizer(chat=False)
    encoded = tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)
    assert encoded["input_ids"] == list(ids)
    return [end for _, end in encoded["offset_mapping"]]
