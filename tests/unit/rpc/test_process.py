"""A start is raced against the wish to stop."""

import asyncio

import pytest

from latentflow.rpc.process import Stopped, unless_stopped


async def started() -> str:
    return "started"


async def failing() -> str:
    raise ZeroDivisionError


async def test_a_start_that_nobody_stops_returns_what_it_made() -> None:
    assert await unless_stopped(asyncio.Event(), started()) == "started"


async def test_a_start_that_fails_raises_what_it_raised() -> None:
    with pytest.raises(ZeroDivisionError):
        await unless_stopped(asyncio.Event(), failing())


async def test_a_start_that_is_stopped_is_cancelled_and_has_ended() -> None:
    stop, began, ended = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def endless() -> None:
        began.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    starting = asyncio.create_task(unless_stopped(stop, endless()))
    await began.wait()
    stop.set()
    with pytest.raises(Stopped):
        await starting
    assert ended.is_set()
