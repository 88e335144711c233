"""Calls that go on while a test changes what they stand on, and how it changes that in one step."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path

import pytest

from latentflow.errors import UnknownLatent

CALLS_BETWEEN = 10


class Traffic:
    """The same call again and again, each after the last; a failure shows at the end."""

    def __init__(self, call: Callable[[], Awaitable[None]]) -> None:
        self._call = call
        self._done = 0
        self._task = asyncio.create_task(self._go_on())

    async def some_more(self) -> None:
        """Until as many calls have begun and ended since now. Raises what one of them raised."""
        wanted = self._done + CALLS_BETWEEN
        while self._done < wanted:
            if self._task.done():
                self._task.result()
            await asyncio.sleep(0)

    async def end(self) -> None:
        self._task.cancel()
        with suppress(asyncio.CancelledError):
            await self._task

    async def _go_on(self) -> None:
        while True:
            await self._call()
            self._done += 1


def of_nothing(call: Callable[[], Awaitable[None]]) -> Callable[[], Awaitable[None]]:
    """The call reaches the broker's work, which has no such latent."""

    async def reached() -> None:
        with pytest.raises(UnknownLatent):
            await call()

    return reached


def replace_by(path: Path, content: bytes) -> None:
    fresh = path.with_suffix(".fresh")
    fresh.write_bytes(content)
    fresh.replace(path)
