"""The cache before a question: what is in it, in which order, and what is refused."""

import pytest
import torch

from latentflow.errors import Cancelled, ContextTooLong, EmptyInput
from latentflow.model.injection import inject_prefix
from latentflow.model.prompt import PromptFormat, message_ids, prefix_ids, question_ids
from latentflow.model.reading import ReadCache, continue_from, read
from latentflow.vectors import ElementType, TensorLayout, Vectors
from services.receiver.priming import Primed, Primer
from services.receiver.reading import Message, Part, Reading, Slots
from tests.tiny_adapters import FORM, WIDTH
from tests.tiny_pair import POSITIONS, TinyPair


@pytest.fixture
def primer(pair: TinyPair) -> Primer:
    return Primer(pair.receiver)


def never() -> bool:
    return False


def reading(*parts: Part, context: str = "", form: PromptFormat = FORM) -> Reading:
    return Reading(form=form, context=context, parts=parts)


def random_slots(pair: TinyPair, count: int, seed: int) -> Slots:
    values = torch.randn(count, WIDTH, generator=torch.Generator().manual_seed(seed))
    layout = TensorLayout(layers=1, slots=count, width=WIDTH, dtype=ElementType.FLOAT32)
    vectors = Vectors(layout=layout, values=values.numpy().tobytes())
    return Slots(adapter=pair.receiver_adapter(), vectors=vectors)


def prime(primer: Primer, what: Reading) -> Primed:
    return primer.prime(primer.plan(what), never)


def same(one: ReadCache, other: ReadCache) -> bool:
    return one.mask_BK.shape == other.mask_BK.shape and all(
        torch.allclose(a, b, atol=1e-5)
        for a, b in zip(one.keys + one.values, other.keys + other.values, strict=True)
    )


@torch.no_grad()
def test_slots_and_messages_stand_in_the_order_given(pair: TinyPair, primer: Primer) -> None:
    first, second = random_slots(pair, 3, seed=1), random_slots(pair, 2, seed=2)
    primed = prime(primer, reading(first, Message(text="a text"), second))
    receiver, tokenizer = pair.receiver, pair.receiver.tokenizer
    cache = read(receiver, torch.tensor([prefix_ids(tokenizer, FORM)]))
    cache = inject_prefix(receiver, cache, first.adapter.translate(first.vectors))
    text = torch.tensor([message_ids(tokenizer, "a text")])
    cache = continue_from(receiver, cache, text)[1]
    cache = inject_prefix(receiver, cache, second.adapter.translate(second.vectors))
    assert same(primed.cache, cache)
    assert (primed.slots, primed.positions) == (5, int(cache.lengths))


def test_the_order_matters(pair: TinyPair, primer: Primer) -> None:
    first, second = random_slots(pair, 3, seed=1), random_slots(pair, 3, seed=2)
    one = prime(primer, reading(first, second))
    other = prime(primer, reading(second, first))
    assert not same(one.cache, other.cache)


@torch.no_grad()
def test_the_receivers_own_context_comes_first(pair: TinyPair, primer: Primer) -> None:
    ids = prefix_ids(pair.receiver.tokenizer, FORM, own_context="my own")
    primed = prime(primer, reading(context="my own"))
    assert same(primed.cache, read(pair.receiver, torch.tensor([ids])))


def test_a_forms_prefix_is_read_once(primer: Primer) -> None:
    primer.warm_up([FORM])
    one, other = prime(primer, reading()), prime(primer, reading())
    assert one.cache is other.cache
    default = prime(primer, reading(form=PromptFormat()))
    assert default.positions > one.positions


def test_a_long_reading_stops_between_chunks_when_cancelled(primer: Primer) -> None:
    plan = primer.plan(reading(context="x" * 600))
    asked = list[int]()

    def after_one() -> bool:
        asked.append(1)
        return len(asked) > 1

    with pytest.raises(Cancelled):
        primer.prime(plan, after_one)
    assert len(asked) == 2


def test_what_does_not_fit_is_refused_before_it_is_read(pair: TinyPair, primer: Primer) -> None:
    with pytest.raises(ContextTooLong) as refusal:
        primer.plan(reading(Message(text="x" * POSITIONS)))
    assert refusal.value.limit == POSITIONS
    with pytest.raises(ContextTooLong):
        primer.plan(reading(random_slots(pair, POSITIONS, seed=1)))


@pytest.mark.parametrize("kept", [False, True])
def test_a_question_needs_room_for_an_answer(primer: Primer, kept: bool) -> None:
    source = prime(primer, reading()) if kept else reading()
    with pytest.raises(ContextTooLong):
        primer.ready(source, "x" * POSITIONS, never)


@pytest.mark.parametrize("kept", [False, True])
def test_a_question_follows_in_the_sources_form(pair: TinyPair, primer: Primer, kept: bool) -> None:
    source = prime(primer, reading()) if kept else reading()
    primed, ids = primer.ready(source, "Who?", never)
    assert ids == question_ids(pair.receiver.tokenizer, FORM, "Who?")
    assert primed.form == FORM


def test_an_empty_question_is_refused(primer: Primer) -> None:
    with pytest.raises(EmptyInput):
        primer.ready(reading(), " ", never)


def test_memory_is_counted_before_it_is_taken(pair: TinyPair, primer: Primer) -> None:
    plan = primer.plan(reading(random_slots(pair, 3, seed=1), context="my own"))
    cache = primer.prime(plan, never).cache
    held = sum(tensor.nbytes for tensor in cache.keys + cache.values)
    assert primer.bytes_of(plan) == held
