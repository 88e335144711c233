"""The life of a publisher's or reader's process: orders come in on stdin, words go out on stdout.

Orders are worked on side by side. The process ends with its stdin.
"""

import asyncio
import sys
from collections.abc import Awaitable, Callable

from tests.faults.words import READY, Order, Word, failure

Work = Callable[[Order], Awaitable[str]]


async def serve(work: Work) -> None:
    """`work` returns the SHA-256 of what it published or read, or raises."""
    orders = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(orders), sys.stdin
    )
    _say(READY)
    async with asyncio.TaskGroup() as tasks:
        async for line in orders:
            tasks.create_task(_answer(work, Order.from_line(line)))


async def _answer(work: Work, order: Order) -> None:
    try:
        word = Word(number=order.number, sha256=await work(order))
    except Exception as error:
        word = failure(order.number, error)
    _say(word)


def _say(word: Word) -> None:
    sys.stdout.buffer.write(word.to_line())
    sys.stdout.buffer.flush()
