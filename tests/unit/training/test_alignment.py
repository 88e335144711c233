"""Two tokenizers over one text: each sharer token finds the receiver token over its last letter."""

from latentflow.training.alignment import align
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


def _ends(ids: tuple[int, ...], text: str) -> list[int]:
    tokenizer = tiny_tokenizer(chat=False)
    encoded = tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)
    assert encoded["input_ids"] == list(ids)
    return [end for _, end in encoded["offset_mapping"]]
