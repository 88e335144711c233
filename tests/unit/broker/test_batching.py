"""Batches: everything in order, what came together together, and never much ahead."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing

import pytest

from services.broker.batching import batches


class Source:
    """Gives numbers as long as it is told to; says how many were taken."""

    def __init__(self, count: int, failure: Exception | None = None) -> None:
        self._count = count
        self._failure = failure
        self.taken = 0
        self.closed = asyncio.Event()

    async def numbers(self) -> AsyncIterator[int]:
        try:
            for number in range(self._count):
                self.taken += 1
                yield number
            if self._failure is not None:
                raise self._failure
            if not self._count:
                await asyncio.Event().wait()
        finally:
            self.closed.set()


async def test_all_items_come_in_order() -> None:
    source = Source(100)
    taken = [item async for batch in batches(source.numbers(), at_most=7) for item in batch]
    assert taken == list(range(100))


async def test_what_came_while_a_batch_was_worked_on_is_the_next() -> None:
    source = Source(6)
    sizes = []
    async for batch in batches(source.numbers(), at_most=4):
        sizes.append(len(batch))
        for _ in range(20):
            await asyncio.sleep(0)
    assert sum(sizes) == 6
    assert max(sizes) == 4


async def test_source_is_not_read_far_ahead() -> None:
    source = Source(1000)
    async with aclosing(batches(source.numbers(), at_most=4)) as taken:
        first = await anext(taken)
        for _ in range(50):
            await asyncio.sleep(0)
        assert source.taken <= len(first) + 4 + 1


async def test_failure_comes_after_the_items_before_it() -> None:
    source = Source(3, failure=ValueError("broken"))
    async with aclosing(batches(source.numbers(), at_most=10)) as stream:
        assert await anext(stream) == [0, 1, 2]
        with pytest.raises(ValueError, match="broken"):
            await anext(stream)


async def test_who_leaves_early_leaves_nobody_reading() -> None:
    source = Source(1000)
    async with aclosing(batches(source.numbers(), at_most=4)) as taken:
        await anext(taken)
    await asyncio.wait_for(source.closed.wait(), 5)


async def test_who_is_cancelled_while_waiting_leaves_nobody_reading() -> None:
    source = Source(0)
    stream = batches(source.numbers(), at_most=4)
    waiting = asyncio.ensure_future(anext(stream))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    await asyncio.wait_for(source.closed.wait(), 5)
