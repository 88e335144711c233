"""The two kinds of work, step by step as the engine's thread does them."""

from dataclasses import replace

import pytest

from latentflow.calls import LatentMeans, TextMeans
from latentflow.errors import Cancelled, ContextTooLong, EmptyInput
from latentflow.latent import Method, PositionPolicy
from latentflow.model.capture import CHUNK_TOKENS
from latentflow.quantisation import Quantisation
from latentflow.vectors import Codec
from latentflow.wire.quantise import unpack
from latentflow.wire.text import read_text
from services.sharer.message import MessageWork
from services.sharer.vectors import VectorWork
from services.sharer.work import Work
from tests.tiny_adapters import WIDTH
from tests.tiny_pair import POSITIONS, TinyPair

MEMO = "The vault code is 4471. "
LONG = MEMO * 20


@pytest.fixture
def vectors(pair: TinyPair) -> VectorWork:
    return VectorWork(
        backbone=pair.sharer, adapter=pair.sharer_adapter(), means=LatentMeans(), context=LONG
    )


@pytest.fixture
def message(pair: TinyPair) -> MessageWork:
    return MessageWork(
        backbone=pair.sharer, means=TextMeans(max_tokens=8), context=LONG, need="The code?"
    )


@pytest.fixture(params=["vectors", "message"])
def work(request: pytest.FixtureRequest) -> "Work[object]":
    made: Work[object] = request.getfixturevalue(request.param)
    return made


def never() -> bool:
    return False


def test_every_chunk_that_is_read_is_told_up_to_the_last_token(work: "Work[object]") -> None:
    ids, told = work.tokenise(), list[int]()
    work.prefill(ids, told.append, never)
    assert told[0] == CHUNK_TOKENS
    assert told[-1] == len(ids) > CHUNK_TOKENS
    assert told == sorted(told)


def test_prefill_stops_between_chunks_when_cancelled(work: "Work[object]") -> None:
    ids, told = work.tokenise(), list[int]()
    with pytest.raises(Cancelled):
        work.prefill(ids, told.append, lambda: bool(told))
    assert told == [CHUNK_TOKENS]


def test_a_context_beyond_the_window_is_refused_before_it_is_read(work: "Work[object]") -> None:
    too_long = replace(work, context="x" * POSITIONS)  # type: ignore[type-var]
    with pytest.raises(ContextTooLong) as refusal:
        too_long.tokenise()
    assert (refusal.value.field, refusal.value.limit) == ("context", POSITIONS)


def test_a_context_of_spaces_is_empty(work: "Work[object]") -> None:
    empty = replace(work, context=" \n")  # type: ignore[type-var]
    with pytest.raises(EmptyInput) as refusal:
        empty.tokenise()
    assert refusal.value.field == "context"


def test_vectors_are_packed_as_asked_and_say_for_whom(vectors: VectorWork, pair: TinyPair) -> None:
    asked = replace(vectors, means=LatentMeans(quantisation=Quantisation.FLOAT16))
    ids = asked.tokenise()
    packed = asked.summarise(asked.prefill(ids, print, never), never)
    assert (packed.method, packed.adapter) == (Method.LCF_PREFIX, pair.digest)
    assert (packed.receiver, packed.position) == (pair.receiver.identity, PositionPolicy.PREFIX)
    # The beginning token is read and not sent.
    assert (packed.layout.slots, packed.layout.width) == (len(ids) - 1, WIDTH)
    assert packed.codec == Codec(quantisation=Quantisation.FLOAT16)
    unpack(packed.stream, packed.layout, packed.codec)


def test_a_quarter_of_the_bytes_is_packed_as_asked(vectors: VectorWork) -> None:
    read = vectors.prefill(vectors.tokenise(), print, never)
    quarter = replace(vectors, means=LatentMeans(quantisation=Quantisation.GRADED2))
    packed = quarter.summarise(read, never)
    assert len(packed.stream) == packed.layout.slots * WIDTH // 4


def test_a_message_is_text_for_any_receiver(message: MessageWork) -> None:
    packed = message.summarise(message.prefill(message.tokenise(), print, never), never)
    assert (packed.method, packed.adapter, packed.receiver) == (Method.TEXT, None, None)
    assert packed.position is PositionPolicy.PROMPT
    assert 1 <= len(read_text(packed.stream).strip()) <= 8 * len("Ġthe")


def test_a_message_follows_the_need(message: MessageWork) -> None:
    without = replace(message, need="")
    assert without.tokenise() != message.tokenise()


def test_the_message_itself_must_fit_the_window(message: MessageWork) -> None:
    room = POSITIONS - len(message.tokenise())
    tail = replace(message, context=LONG + "y" * (room - 4))
    with pytest.raises(ContextTooLong):
        tail.tokenise()


def test_writing_stops_when_cancelled(message: MessageWork) -> None:
    asked = list[int]()

    def after_two() -> bool:
        asked.append(1)
        return len(asked) > 2

    read = message.prefill(message.tokenise(), print, never)
    with pytest.raises(Cancelled):
        message.summarise(read, after_two)
    assert len(asked) < message.means.max_tokens
