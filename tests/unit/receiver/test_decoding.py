"""Several questions decoded at once say what each of them says alone."""

import asyncio
import weakref
from collections.abc import Sequence
from functools import partial

import pytest
import torch

from latentflow.calls import FinishReason, Sampling
from latentflow.errors import ContextTooLong
from latentflow.model.backbone import Backbone
from latentflow.model.generation import Piece
from latentflow.model.reading import read
from latentflow.model.stacking import stack
from services.receiver.asking import Ask, Asked, Begun, Injected, Step
from services.receiver.decoding import decode
from services.receiver.priming import IsCancelled, Plan, Primed, Primer
from services.receiver.reading import Message, Reading
from tests.tiny_adapters import FORM
from tests.tiny_pair import POSITIONS, TinyPair

SAMPLING = Sampling(max_tokens=12)


@pytest.fixture
def primer(pair: TinyPair) -> Primer:
    return Primer(pair.receiver)


def reading(*texts: str) -> Reading:
    return Reading(form=FORM, context="", parts=tuple(Message(text=text) for text in texts))


def ask(question: str, *texts: str, sampling: Sampling = SAMPLING) -> Ask:
    return Ask(source=reading(*texts), question=question, sampling=sampling)


async def decoded(primer: Primer, asks: Sequence[Ask]) -> list[list[Step | Exception]]:
    batch = [Asked(each) for each in asks]
    await asyncio.to_thread(decode, primer, batch)
    return [await steps_of(asked) for asked in batch]


async def steps_of(asked: Asked) -> list[Step | Exception]:
    heard = list[Step | Exception]()
    try:
        async with asyncio.timeout(20):
            async for step in asked.steps():
                heard.append(step)
    except Exception as error:
        heard.append(error)
    return heard


def text(steps: Sequence[Step | Exception]) -> str:
    return "".join(step.text for step in steps if isinstance(step, Piece))


async def test_a_batch_of_different_lengths_says_what_each_says_alone(primer: Primer) -> None:
    asks = [
        ask("Who?"),
        ask("What is the code of the vault?", "The vault code is 4471."),
        ask("When?", "At noon, in the old house.", "Or not.", sampling=Sampling(max_tokens=5)),
    ]
    together = [text(steps) for steps in await decoded(primer, asks)]
    alone = [text((await decoded(primer, [each]))[0]) for each in asks]
    assert together == alone
    assert len(set(alone)) == 3


async def test_a_kept_cache_answers_like_a_fresh_reading_and_stays_as_it_is(
    primer: Primer,
) -> None:
    primed = primer.prime(primer.plan(reading("The vault code is 4471.")), lambda: False)
    before = [keys.clone() for keys in primed.cache.keys]
    kept = Ask(source=primed, question="Code?", sampling=SAMPLING)
    first, second, fresh = await decoded(
        primer, [kept, kept, ask("Code?", "The vault code is 4471.")]
    )
    assert text(first) == text(second) == text(fresh)
    assert all(map(torch.equal, before, primed.cache.keys))


async def test_first_comes_what_the_cache_holds(primer: Primer) -> None:
    (steps,) = await decoded(primer, [ask("Who?", "A text.")])
    begun, injected = steps[:2]
    assert isinstance(begun, Begun)
    assert isinstance(injected, Injected)
    primed, ids = primer.ready(reading("A text."), "Who?", lambda: False)
    assert injected.prompt_tokens == primed.positions + len(ids)
    assert injected.latent_slots == 0
    assert min(begun.queue_seconds, injected.inject_seconds) > 0


async def test_the_caches_of_a_batch_are_counted_from_their_plan_to_the_last_row(
    primer: Primer,
) -> None:
    asks = [
        ask("Who?", sampling=Sampling(max_tokens=2)),
        ask("When?", "At noon.", sampling=Sampling(max_tokens=3)),
    ]
    counted = list[int]()
    batch = [Asked(each) for each in asks]
    await asyncio.to_thread(partial(decode, primer, batch, on_positions=counted.append))
    heard = [await steps_of(asked) for asked in batch]
    short, long = (steps[1].prompt_tokens for steps in heard if isinstance(steps[1], Injected))
    columns = counted[2] // 2
    assert counted == [short, short + long, 2 * columns, 2 * (columns + 1), columns + 2]
    assert long <= columns < short + long


class Noting(Primer):
    """Says how many of the caches that it has made are alive."""

    def __init__(self, backbone: Backbone) -> None:
        super().__init__(backbone)
        self._made = list["weakref.ref[torch.Tensor]"]()

    @property
    def alive(self) -> int:
        return sum(made() is not None for made in self._made)

    def prime(self, plan: Plan, is_cancelled: IsCancelled) -> Primed:
        primed = super().prime(plan, is_cancelled)
        self._made.append(weakref.ref(primed.cache.keys[0]))
        return primed


class Looker(Asked):
    """Looks with each step how many caches are alive."""

    def __init__(self, ask: Ask, primer: Noting) -> None:
        super().__init__(ask)
        self._primer = primer
        self.seen = list[int]()

    def tell(self, step: Step) -> None:
        self.seen.append(self._primer.alive)


@pytest.mark.parametrize("rows", [1, 2])
async def test_the_rows_own_caches_are_free_once_they_are_decoded_together(
    pair: TinyPair, rows: int
) -> None:
    primer = Noting(pair.receiver)
    batch = [Looker(ask("Who?", "A text."), primer) for _ in range(rows)]
    await asyncio.to_thread(decode, primer, batch)
    begun, injected, *pieces = batch[-1].seen
    assert (begun, injected) == (rows - 1, rows)
    assert set(pieces) == {0}


async def test_a_question_that_does_not_fit_fails_alone(primer: Primer) -> None:
    failed, answered = await decoded(primer, [ask("x" * POSITIONS), ask("Who?")])
    assert isinstance(failed[-1], ContextTooLong)
    assert text(answered)


class Leaver(Asked):
    """Listens to two pieces and no more."""

    pieces = 0

    def tell(self, step: Step) -> None:
        self.pieces += isinstance(step, Piece)

    def is_cancelled(self) -> bool:
        return self.pieces == 2


async def test_nothing_more_is_decoded_for_one_that_left(primer: Primer) -> None:
    leaver, stayer = Leaver(ask("When?")), Asked(ask("Who?"))
    await asyncio.to_thread(decode, primer, [leaver, stayer])
    assert leaver.pieces == 2
    (alone,) = await decoded(primer, [ask("Who?")])
    assert text(await steps_of(stayer)) == text(alone)


async def test_a_batch_in_which_nothing_fits_decodes_nothing(primer: Primer) -> None:
    (steps,) = await decoded(primer, [ask("x" * POSITIONS)])
    assert [type(step) for step in steps] == [Begun, ContextTooLong]


async def test_an_answer_ends_where_its_form_says(primer: Primer) -> None:
    (steps,) = await decoded(primer, [ask("Who?")])
    whole = text(steps)
    form = type(FORM)(preamble=FORM.preamble, stop=whole[3:5])
    stopping = Ask(
        source=Reading(form=form, context="", parts=()), question="Who?", sampling=SAMPLING
    )
    (steps,) = await decoded(primer, [stopping])
    last = steps[-1]
    assert text(steps) == whole[: whole.index(whole[3:5])]
    assert isinstance(last, Piece)
    assert last.finish is FinishReason.STOP


async def test_the_callers_stops_count_too(primer: Primer) -> None:
    (steps,) = await decoded(primer, [ask("Who?")])
    whole = text(steps)
    stopping = ask("Who?", sampling=Sampling(max_tokens=12, stop=(whole[2:4],)))
    (steps,) = await decoded(primer, [stopping])
    assert text(steps) == whole[: whole.index(whole[2:4])]


async def test_a_long_question_is_read_in_chunks_to_the_same_answer(
    primer: Primer, pair: TinyPair
) -> None:
    question = "Is it long? " * 40
    (steps,) = await decoded(primer, [ask(question)])
    primed, ids = primer.ready(reading(), question, lambda: False)
    before = read(pair.receiver, torch.tensor([primer.plan(reading()).prefix + ids[:-1]]))
    whole = Primed(form=FORM, cache=before, positions=int(before.lengths), slots=0)
    assert primed.positions + len(ids) == whole.positions + 1
    (last,) = stack([whole.cache]).lengths.tolist()
    assert last == whole.positions
    assert text(steps)


@torch.no_grad()
def test_stacked_caches_keep_their_rows_and_hide_the_padding(pair: TinyPair) -> None:
    short = read(pair.receiver, torch.tensor([[5, 6]]))
    long = read(pair.receiver, torch.tensor([[7, 8, 9]]))
    stacked = stack([short, long])
    assert stacked.lengths.tolist() == [2, 3]
    assert stacked.mask_BK.tolist() == [[True, True, False], [True, True, True]]
    assert torch.equal(stacked.keys[0][0, :, :2], short.keys[0][0])
    assert torch.equal(stacked.values[-1][1], long.values[-1][0])
