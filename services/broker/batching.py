"""Takes from a stream in batches: all that has come while the last batch was being worked on."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from typing import Generic, TypeVar

Item = TypeVar("Item")


async def batches(items: AsyncIterator[Item], *, at_most: int) -> AsyncGenerator[list[Item], None]:
    """Lists of 1 to `at_most` items, in order. Reads ahead by about that many.

    Raises what `items` raises, after the last item before it.
    """
    inbox = _Inbox[Item](at_most)
    reading = asyncio.create_task(inbox.fill(items))
    try:
        while batch := await inbox.take():
            yield batch
        await reading
    finally:
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)


class _Inbox(Generic[Item]):
    """Filled by one task, emptied by another."""

    def __init__(self, at_most: int) -> None:
        self._at_most = at_most
        self._items: list[Item] = []
        self._has_ended = False
        self._changed = asyncio.Event()

    async def fill(self, items: AsyncIterator[Item]) -> None:
        try:
            async for item in items:
                await self._until(lambda: len(self._items) < self._at_most)
                self._items.append(item)
                self._changed.set()
        finally:
            self._has_ended = True
            self._changed.set()

    async def take(self) -> list[Item]:
        """Waits for an item and takes all there are; empty at the end."""
        await self._until(lambda: bool(self._items) or self._has_ended)
        taken, self._items = self._items, []
        self._changed.set()
        return taken

    async def _until(self, ready: Callable[[], bool]) -> None:
        while not ready():
            self._changed.clear()
            await self._changed.wait()
