"""From work that tells what happens, through a callback, to a stream of responses.

Knows neither the work nor the events.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable, Coroutine
from typing import Any, TypeVar

Event = TypeVar("Event")
Response = TypeVar("Response")
Tell = Callable[[Event], None]
TellingWork = Callable[[Tell[Event]], Coroutine[Any, Any, object]]


async def responses_of(
    work: TellingWork[Event], convert: Callable[[Event], Response]
) -> AsyncGenerator[Response, None]:
    """What `work` tells, converted, as it comes; then raises what it raised.

    Leaving early cancels the work and waits for its end. Events wait without bound: for work
    that tells a bounded number of them.
    """
    told: asyncio.Queue[Event | None] = asyncio.Queue()
    working = asyncio.create_task(_to_its_end(work, told))
    try:
        while (event := await told.get()) is not None:
            yield convert(event)
        await working
    finally:
        working.cancel()
        await asyncio.wait({working})


async def _to_its_end(work: TellingWork[Event], told: asyncio.Queue[Event | None]) -> None:
    try:
        await work(told.put_nowait)
    finally:
        told.put_nowait(None)
