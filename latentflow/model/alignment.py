"""Which token of one model stands for which token of the other, by the characters they cover.

Owns matching two tokenizers over one text; knows nothing of caches.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from transformers import PreTrainedTokenizerBase

from latentflow.errors import EmptyInput, InvalidInput
from latentflow.model.prompt import (
    PromptFormat,
    message_ids,
    message_text,
    question_ids,
    question_text,
)
from latentflow.model.tokens import plain_ids


@dataclass(frozen=True, slots=True, kw_only=True)
class Alignment:
    """`sharer_ids[i]` ends on a character that `receiver_ids[receiver_places[i]]` covers."""

    sharer_ids: tuple[int, ...]
    receiver_ids: tuple[int, ...]
    receiver_places: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SharedPrompt:
    """One prompt that both models read: a context and a question on it.

    `text` is the sharer's, without a beginning token. `receiver_ids` stand behind the receiver's
    prefix; `slots` says of each of them which sharer token covers its last character.
    """

    text: str
    receiver_ids: tuple[int, ...]
    slots: tuple[int, ...]


def align(
    sharer: PreTrainedTokenizerBase, receiver: PreTrainedTokenizerBase, text: str
) -> Alignment:
    """Matches each sharer token with the receiver token that covers its last character.

    The receiver reads the text behind its prompt's lead, so with one space in front.
    Raises InvalidInput when a tokenizer has no character offsets.
    """
    text = text.strip()
    ends = token_ends(receiver, message_text(text))
    return Alignment(
        sharer_ids=tuple(plain_ids(sharer, text)),
        receiver_ids=tuple(message_ids(receiver, text)),
        # The space in front moves a token's last character to where its end was.
        receiver_places=_covering(ends, token_ends(sharer, text)),
    )


def share_prompt(
    tokenizers: tuple[PreTrainedTokenizerBase, PreTrainedTokenizerBase],
    form: PromptFormat,
    *,
    context: str,
    question: str,
) -> SharedPrompt:
    """For the sharer's and the receiver's tokenizer. Raises EmptyInput, InvalidInput."""
    if not context.strip():
        raise EmptyInput(field="context")
    sharer, receiver = tokenizers
    pieces = (message_text(context), question_text(form, question))
    text = "".join(pieces).strip()
    ids = (*message_ids(receiver, context), *question_ids(receiver, form, question))
    first_ends, last_ends = (token_ends(receiver, piece) for piece in pieces)
    ends = [*first_ends, *(len(pieces[0]) + end for end in last_ends)]
    # The sharer's text lacks the space in front: end e - 1 there, of which the last is e - 2.
    return SharedPrompt(
        text=text,
        receiver_ids=ids,
        slots=_covering(token_ends(sharer, text), [end - 2 for end in ends]),
    )


def token_ends(tokenizer: PreTrainedTokenizerBase, text: str) -> list[int]:
    """Index behind each token's last character. Raises InvalidInput without offsets."""
    if not tokenizer.is_fast:
        raise InvalidInput(field="tokenizer", problem="must be a fast one, with offsets")
    encoded = tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)
    return [end for _, end in encoded["offset_mapping"]]


def _covering(ends: Sequence[int], characters: Sequence[int]) -> tuple[int, ...]:
    """For each character, in rising order, the first token that ends behind it, or the last."""
    places, place = [], 0
    for character in characters:
        while place < len(ends) - 1 and ends[place] <= character:
            place += 1
        places.append(place)
    return tuple(places)
