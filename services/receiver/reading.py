"""What a receiver is to read before a question, as values: its own context, then what came in."""

from collections.abc import Sequence
from dataclasses import dataclass

from latentflow.errors import IdentityMismatch
from latentflow.model.adapters import ReceiverAdapter
from latentflow.model.prompt import PromptFormat
from latentflow.vectors import Vectors


@dataclass(frozen=True, slots=True, kw_only=True)
class Slots:
    """A latent: vectors, and the adapter that translates them into cache slots."""

    adapter: ReceiverAdapter
    vectors: Vectors


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """A text in a latent's place."""

    text: str


Part = Slots | Message


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """`parts` are read in order, behind `context`, the receiver's own."""

    form: PromptFormat
    context: str
    parts: tuple[Part, ...]


def reading_of(context: str, parts: Sequence[Part]) -> Reading:
    """Asked as the adapters were trained to be, in the default form without any.

    Raises IdentityMismatch naming `prompt` when two adapters were trained with different forms.
    """
    adapters = [part.adapter for part in parts if isinstance(part, Slots)]
    for adapter in adapters[1:]:
        if adapter.header.prompt != adapters[0].header.prompt:
            raise IdentityMismatch(
                field="prompt",
                expected=f"that of adapter {adapters[0].name}",
                actual=f"that of adapter {adapter.name}",
            )
    form = adapters[0].header.prompt if adapters else PromptFormat()
    return Reading(form=form, context=context, parts=tuple(parts))
