"""In which form a receiver is asked."""

from dataclasses import replace

import pytest

from latentflow.errors import IdentityMismatch
from latentflow.model.adapters import ReceiverAdapter
from latentflow.model.prompt import PromptFormat
from latentflow.vectors import ElementType, TensorLayout, Vectors
from services.receiver.reading import Message, Part, Slots, reading_of
from tests.tiny_adapters import FORM
from tests.tiny_pair import TinyPair

VECTORS = Vectors(
    layout=TensorLayout(layers=1, slots=1, width=1, dtype=ElementType.FLOAT32), values=bytes(4)
)


def slots(adapter: ReceiverAdapter) -> Slots:
    return Slots(adapter=adapter, vectors=VECTORS)


def test_as_the_adapter_was_trained_to_be_asked(pair: TinyPair) -> None:
    parts: list[Part] = [Message(text="first"), slots(pair.receiver_adapter())]
    reading = reading_of("own", parts)
    assert (reading.form, reading.context, reading.parts) == (FORM, "own", tuple(parts))


def test_in_the_default_form_without_an_adapter() -> None:
    assert reading_of("", [Message(text="only")]).form == PromptFormat()


def test_two_adapters_must_have_been_trained_with_one_form(pair: TinyPair) -> None:
    one = pair.receiver_adapter()
    same = replace(one, name="same")
    assert reading_of("", [slots(one), slots(same)]).form == FORM
    other = replace(one, name="other", header=replace(one.header, prompt=PromptFormat()))
    with pytest.raises(IdentityMismatch) as refusal:
        reading_of("", [slots(one), slots(other)])
    assert refusal.value.field == "prompt"
    assert "other" in refusal.value.actual
