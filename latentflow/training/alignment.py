"""Which receiver token stands for which sharer token, by the characters they cover.

Owns matching two tokenizers over one text; knows nothing of caches.
"""

from dataclasses import dataclass

from transformers import PreTrainedTokenizerBase

from latentflow.errors import InvalidInput
from latentflow.model.prompt import message_ids
from latentflow.model.tokens import plain_ids


@dataclass(frozen=True, slots=True, kw_only=True)
class Alignment:
    """`sharer_ids[i]` ends on a character that `receiver_ids[receiver_places[i]]` covers."""

    sharer_ids: tuple[int, ...]
    receiver_ids: tuple[int, ...]
    receiver_places: tuple[int, ...]


def align(
    sharer: PreTrainedTokenizerBase, receiver: PreTrainedTokenizerBase, text: str
) -> Alignment:
    """Matches each sharer token with the receiver token that covers its last character.

    The receiver reads the text behind its prompt's lead, so with one space in front.
    Raises InvalidInput when a tokenizer has no character offsets.
    """
    text = text.strip()
    ends = _ends(receiver, f" {text}")
    places, place = [], 0
    for end in _ends(sharer, text):
        while place < len(ends) - 1 and ends[place] - 1 < end:
            place += 1
        places.append(place)
    return Alignment(
        sharer_ids=tuple(plain_ids(sharer, text)),
        receiver_ids=tuple(message_ids(receiver, text)),
        receiver_places=tuple(places),
    )


def _ends(tokenizer: PreTrainedTokenizerBase, text: str) -> list[int]:
    """Index behind each token's last character."""
    if not tokenizer.is_fast:
        raise InvalidInput(field="tokenizer", problem="must be a fast one, with offsets")
    encoded = tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)
    return [end for _, end in encoded["offset_mapping"]]
