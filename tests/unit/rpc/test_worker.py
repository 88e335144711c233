"""The worker's queue and thread: order, bounds, and what happens to those who leave."""

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Callable

import pytest

from latentflow.errors import InvalidInput, Overloaded
from latentflow.rpc.worker import Worker


class Gate:
    """Work that holds the thread until it is let through."""

    def __init__(self) -> None:
        self.began = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self._open = threading.Event()

    def __call__(self) -> str:
        self._loop.call_soon_threadsafe(self.began.set)
        assert self._open.wait(20)
        return "through"

    def open(self) -> None:
        self._open.set()


@pytest.fixture
async def worker() -> AsyncIterator[Worker]:
    worker = Worker("test", max_admitted=2)
    yield worker
    await worker.close()


async def take_turn(worker: Worker, work: Callable[[], object], ahead: list[int]) -> object:
    async with worker.turn(ahead.append) as turn:
        return await turn.run(work)


async def test_work_runs_on_one_thread_that_is_not_the_loops(worker: Worker) -> None:
    async with worker.turn() as turn:
        first = await turn.run(threading.get_ident)
    async with worker.turn() as turn:
        second = await turn.run(threading.get_ident)
    assert first == second != threading.get_ident()


async def test_what_work_raises_its_caller_gets(worker: Worker) -> None:
    async with worker.turn() as turn:
        with pytest.raises(ZeroDivisionError):
            await turn.run(lambda: 1 // 0)


async def test_turns_come_in_the_order_of_asking_and_places_are_told(worker: Worker) -> None:
    gate, done, heard = Gate(), list[str](), [list[int]() for _ in range(3)]
    works: list[Callable[[], object]] = [gate, lambda: done.append("b"), lambda: done.append("c")]
    tasks = [
        asyncio.create_task(take_turn(worker, work, ahead))
        for work, ahead in zip(works, heard, strict=True)
    ]
    await asyncio.wait_for(gate.began.wait(), 20)
    assert heard == [[0], [1], [2]]
    gate.open()
    await asyncio.gather(*tasks)
    assert done == ["b", "c"]
    assert heard == [[0], [1, 0], [2, 1, 0]]


async def test_a_caller_that_leaves_the_queue_lets_the_others_up(worker: Worker) -> None:
    gate, heard = Gate(), [list[int]() for _ in range(3)]
    first = asyncio.create_task(take_turn(worker, gate, heard[0]))
    leaver = asyncio.create_task(take_turn(worker, lambda: None, heard[1]))
    last = asyncio.create_task(take_turn(worker, lambda: "last", heard[2]))
    await asyncio.wait_for(gate.began.wait(), 20)
    leaver.cancel()
    await asyncio.wait({leaver})
    assert heard[2] == [2, 1]
    gate.open()
    assert [await first, await last] == ["through", "last"]


async def test_a_turn_is_not_lost_on_a_caller_cancelled_as_it_begins(worker: Worker) -> None:
    last_heard = list[int]()
    async with worker.turn():
        leaver = asyncio.create_task(take_turn(worker, lambda: None, []))
        last = asyncio.create_task(take_turn(worker, lambda: "last", last_heard))
        await asyncio.sleep(0)
    leaver.cancel()
    assert await asyncio.wait_for(last, 20) == "last"


async def test_a_caller_cancelled_just_before_its_turn_is_passed_over(worker: Worker) -> None:
    async with worker.turn():
        leaver = asyncio.create_task(take_turn(worker, lambda: None, []))
        last = asyncio.create_task(take_turn(worker, lambda: "last", []))
        await asyncio.sleep(0)
        leaver.cancel()
    assert await asyncio.wait_for(last, 20) == "last"


async def test_cancelling_a_caller_tells_its_work(worker: Worker) -> None:
    began, stopped = asyncio.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()

    async def caller() -> None:
        async with worker.turn() as turn:

            def work() -> None:
                loop.call_soon_threadsafe(began.set)
                give_up_at = time.monotonic() + 20
                while not turn.is_cancelled() and time.monotonic() < give_up_at:
                    pass
                if turn.is_cancelled():
                    loop.call_soon_threadsafe(stopped.set)

            await turn.run(work)

    task = asyncio.create_task(caller())
    await asyncio.wait_for(began.wait(), 20)
    task.cancel()
    await asyncio.wait_for(stopped.wait(), 20)
    assert task.cancelled()


async def test_work_of_a_cancelled_caller_that_did_not_begin_never_does(worker: Worker) -> None:
    gate, done = Gate(), list[str]()

    async def caller() -> None:
        async with worker.turn() as turn:
            await turn.run(lambda: done.append("late"))

    first = asyncio.create_task(take_turn(worker, gate, []))
    await asyncio.wait_for(gate.began.wait(), 20)
    # The first leaves its work behind on the thread; the second's waits behind that.
    first.cancel()
    await asyncio.wait({first})
    second = asyncio.create_task(caller())
    await asyncio.sleep(0)
    second.cancel()
    await asyncio.wait({second})
    gate.open()
    await take_turn(worker, lambda: None, [])
    assert done == []


async def test_what_the_thread_tells_arrives_on_the_loop_in_order(worker: Worker) -> None:
    told = list[tuple[int, int]]()

    def hear(event: int) -> None:
        told.append((event, threading.get_ident()))

    async with worker.turn() as turn:
        tell = turn.from_thread(hear)
        await turn.run(lambda: [tell(event) for event in range(3)])
    here = threading.get_ident()
    assert told == [(0, here), (1, here), (2, here)]


async def test_one_caller_more_than_admitted_is_refused_with_a_delay(worker: Worker) -> None:
    with worker.admit(), worker.admit():
        with pytest.raises(Overloaded) as refusal, worker.admit():
            pass
        assert (refusal.value.resource, refusal.value.limit) == ("queue", 2)
        assert refusal.value.retry_after_seconds > 0
    with worker.admit():
        assert worker.admitted == 1
    assert worker.admitted == 0


def test_a_worker_admits_at_least_one() -> None:
    with pytest.raises(InvalidInput):
        Worker("test", max_admitted=0)
