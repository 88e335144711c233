import asyncio

import pytest

from services.broker.finishing import to_its_end


async def test_work_goes_on_when_who_asked_for_it_has_gone() -> None:
    gate, done = asyncio.Event(), asyncio.Event()

    async def work() -> None:
        await gate.wait()
        done.set()

    asking = asyncio.create_task(to_its_end(work()))
    await asyncio.sleep(0)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    gate.set()
    await asyncio.wait_for(done.wait(), 5)


async def test_who_waits_hears_what_came_of_it() -> None:
    async def work() -> str:
        return "done"

    async def fail() -> None:
        raise ValueError("no")

    assert await to_its_end(work()) == "done"
    with pytest.raises(ValueError, match="no"):
        await to_its_end(fail())
