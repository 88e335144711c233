"""Batches on their own: who is answered together, who waits, and what leaving and failing do."""

import asyncio
import threading
import time
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing

import pytest

from latentflow.calls import FinishReason, Sampling
from latentflow.errors import StreamMismatch
from latentflow.model.generation import Piece
from latentflow.model.prompt import PromptFormat
from latentflow.rpc.worker import Worker
from services.receiver.asking import Ask, Asked, Step
from services.receiver.batches import Batches
from services.receiver.reading import Reading

READING = Reading(form=PromptFormat(), context="", parts=())


def ask(question: str) -> Ask:
    return Ask(source=READING, question=question, sampling=Sampling())


class Decoder:
    """Answers every question with one piece, once it is let; notes who was asked together."""

    def __init__(self) -> None:
        self.batches = list[list[str]]()
        self.began = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self._open = threading.Event()

    def open(self) -> None:
        self._open.set()

    def __call__(self, batch: Sequence[Asked]) -> None:
        self.batches.append([asked.ask.question for asked in batch])
        self._loop.call_soon_threadsafe(self.began.set)
        assert self._open.wait(20)
        for asked in batch:
            asked.tell(Piece(row=0, text="yes", tokens=1, finish=FinishReason.STOP))


@pytest.fixture
async def worker() -> AsyncIterator[Worker]:
    worker = Worker("test", max_admitted=8)
    yield worker
    await worker.close()


async def heard(steps: AsyncGenerator[Step, None]) -> list[Step]:
    async with asyncio.timeout(20), aclosing(steps):
        return [step async for step in steps]


async def test_what_waits_is_answered_together_in_order_up_to_the_limit(worker: Worker) -> None:
    decoder = Decoder()
    batches = Batches(worker, decoder, max_rows=2)
    first = asyncio.create_task(heard(batches.answer(ask("1"))))
    await asyncio.wait_for(decoder.began.wait(), 20)
    later = [asyncio.create_task(heard(batches.answer(ask(name)))) for name in "234"]
    await asyncio.sleep(0)
    decoder.open()
    await asyncio.gather(first, *later)
    assert decoder.batches == [["1"], ["2", "3"], ["4"]]


async def test_where_all_leave_before_their_turn_nothing_is_decoded(worker: Worker) -> None:
    decoder = Decoder()
    batches = Batches(worker, decoder, max_rows=2)
    async with worker.turn():
        leaver = asyncio.create_task(heard(batches.answer(ask("leaver"))))
        await asyncio.sleep(0)
        leaver.cancel()
        await asyncio.wait({leaver})
    decoder.open()
    await heard(batches.answer(ask("1")))
    assert decoder.batches == [["1"]]


async def test_a_question_that_leaves_the_queue_is_never_decoded(worker: Worker) -> None:
    decoder = Decoder()
    batches = Batches(worker, decoder, max_rows=2)
    first = asyncio.create_task(heard(batches.answer(ask("1"))))
    await asyncio.wait_for(decoder.began.wait(), 20)
    leaver = asyncio.create_task(heard(batches.answer(ask("leaver"))))
    last = asyncio.create_task(heard(batches.answer(ask("2"))))
    await asyncio.sleep(0)
    leaver.cancel()
    await asyncio.wait({leaver})
    decoder.open()
    await asyncio.gather(first, last)
    assert decoder.batches == [["1"], ["2"]]


async def test_a_question_that_leaves_its_batch_is_told_so_and_the_others_go_on(
    worker: Worker,
) -> None:
    def decode(batch: Sequence[Asked]) -> None:
        staying, leaving = batch
        for asked in batch:
            asked.tell(Piece(row=0, text="", tokens=1, finish=None))
        give_up_at = time.monotonic() + 20
        while not leaving.is_cancelled() and time.monotonic() < give_up_at:
            pass
        tokens = 2 if leaving.is_cancelled() else 0
        staying.tell(Piece(row=0, text="", tokens=tokens, finish=FinishReason.STOP))

    batches = Batches(worker, decode, max_rows=2)
    staying = asyncio.create_task(heard(batches.answer(ask("stays"))))
    leaving = batches.answer(ask("leaves"))
    await asyncio.wait_for(anext(leaving), 20)
    await leaving.aclose()
    assert [step.tokens for step in await staying if isinstance(step, Piece)] == [1, 2]


async def test_a_failed_batch_fails_all_in_it_and_the_next_goes_on(worker: Worker) -> None:
    def decode(batch: Sequence[Asked]) -> None:
        if len(batch) > 1:
            raise MemoryError
        batch[0].tell(Piece(row=0, text="", tokens=1, finish=FinishReason.STOP))

    batches = Batches(worker, decode, max_rows=2)
    failing = await asyncio.gather(
        *(heard(batches.answer(ask(name))) for name in "12"), return_exceptions=True
    )
    assert [type(result) for result in failing] == [MemoryError, MemoryError]
    assert len(await heard(batches.answer(ask("3")))) == 1


async def test_what_fails_one_question_fails_that_one_alone(worker: Worker) -> None:
    def decode(batch: Sequence[Asked]) -> None:
        batch[0].fail(StreamMismatch(field="f", expected="e", actual="a"))
        batch[1].tell(Piece(row=1, text="", tokens=1, finish=FinishReason.STOP))

    batches = Batches(worker, decode, max_rows=2)
    failed, answered = await asyncio.gather(
        *(heard(batches.answer(ask(name))) for name in "12"), return_exceptions=True
    )
    assert isinstance(failed, StreamMismatch)
    assert isinstance(answered, list)
