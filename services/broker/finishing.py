"""Work that goes on to its end when who asked for it has gone."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

Result = TypeVar("Result")

_UNDER_WAY: set[asyncio.Task[Any]] = set()


async def to_its_end(work: Coroutine[Any, Any, Result]) -> Result:
    """What `work` returns or raises; cancelling the wait does not cancel it."""
    task = asyncio.create_task(work)
    _UNDER_WAY.add(task)
    task.add_done_callback(_forget)
    return await asyncio.shield(task)


def _forget(task: asyncio.Task[Any]) -> None:
    _UNDER_WAY.discard(task)
    if not task.cancelled():
        task.exception()  # nobody may be left to hear it
