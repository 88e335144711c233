"""Waits that end together leave nothing behind that could take what nobody gives back."""

import asyncio

import pytest

from services.receiver.together import together


async def test_results_come_in_the_order_of_the_work() -> None:
    first_done = asyncio.Event()

    async def waits() -> str:
        await first_done.wait()
        return "waits"

    async def goes_ahead() -> str:
        first_done.set()
        return "goes ahead"

    assert await together([waits(), goes_ahead()]) == ["waits", "goes ahead"]


async def test_when_one_fails_the_others_are_over_before_it_is_told() -> None:
    over: list[str] = []

    async def waits() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            over.append("waits")

    async def fails() -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await together([waits(), fails()])
    assert over == ["waits"]
