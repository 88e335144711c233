"""Batches of questions: whatever waits when the thread is free is answered together.

Owns who waits and who is in which batch; what is done with a batch is handed in. A question that
comes while a batch is decoded waits for the next.
"""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from functools import partial

from latentflow.rpc.worker import Turn, Worker
from services.receiver.asking import Ask, Asked, Step

Decode = Callable[[Sequence[Asked]], None]


class Batches:
    """At most `max_rows` questions a batch, in the order of asking."""

    def __init__(self, worker: Worker, decode: Decode, *, max_rows: int) -> None:
        self._worker = worker
        self._decode = decode
        self._max_rows = max_rows
        self._waiting: deque[Asked] = deque()
        self._running: asyncio.Task[None] | None = None

    async def answer(self, ask: Ask) -> AsyncGenerator[Step, None]:
        """What is told of this question. Leaving early takes it out of the queue or its batch."""
        asked = Asked(ask)
        self._waiting.append(asked)
        self._keep_running()
        try:
            async with aclosing(asked.steps()) as steps:
                async for step in steps:
                    yield step
        finally:
            if asked in self._waiting:
                self._waiting.remove(asked)

    def _keep_running(self) -> None:
        if self._running is None or self._running.done():
            self._running = asyncio.create_task(self._run())

    async def _run(self) -> None:
        while self._waiting:
            async with self._worker.turn() as turn:
                # None is left where all have gone while the turn was waited for.
                if batch := self._next_batch():
                    await self._do(turn, batch)

    def _next_batch(self) -> list[Asked]:
        size = min(self._max_rows, len(self._waiting))
        return [self._waiting.popleft() for _ in range(size)]

    async def _do(self, turn: Turn, batch: Sequence[Asked]) -> None:
        try:
            await turn.run(partial(self._decode, batch))
        except Exception as error:
            for asked in batch:
                asked.fail(error)
