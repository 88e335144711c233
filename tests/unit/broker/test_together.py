"""Commands that are asked for at the same moment: one trip, each with its own reply."""

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from services.broker.redis_store.together import Command, Together


class Server:
    """Answers each command with its last word; an error word is an error."""

    def __init__(self) -> None:
        self.trips: list[list[Command]] = []
        self.departed: asyncio.Queue[None] = asyncio.Queue()
        self.is_there = asyncio.Event()
        self.is_there.set()

    async def send(self, commands: Sequence[Command]) -> Sequence[Any]:
        self.trips.append(list(commands))
        self.departed.put_nowait(None)
        await self.is_there.wait()
        if ("BREAK",) in commands:
            raise ConnectionError("gone")
        return [ValueError(each[-1]) if each[0] == "FAIL" else each[-1] for each in commands]


async def test_each_hears_its_own_reply_in_one_trip() -> None:
    server = Server()
    together = Together(server.send, at_most=10)
    asked = [together.ask(("ECHO", word)) for word in "abc"]
    assert await asyncio.gather(*asked) == ["a", "b", "c"]
    assert server.trips == [[("ECHO", "a"), ("ECHO", "b"), ("ECHO", "c")]]


async def test_what_tasks_made_meanwhile_ask_comes_along() -> None:
    server = Server()
    together = Together(server.send, at_most=10)

    async def both() -> list[Any]:
        return list(await asyncio.gather(together.ask(("ECHO", "b")), together.ask(("ECHO", "c"))))

    assert list(await asyncio.gather(together.ask(("ECHO", "a")), both())) == ["a", ["b", "c"]]
    assert len(server.trips) == 1


async def test_a_trip_that_is_slow_holds_up_no_other() -> None:
    server = Server()
    together = Together(server.send, at_most=10)
    server.is_there.clear()
    slow = asyncio.create_task(together.ask(("ECHO", "slow")))
    await server.departed.get()
    quick = asyncio.create_task(together.ask(("ECHO", "quick")))
    await server.departed.get()
    server.is_there.set()
    assert list(await asyncio.gather(slow, quick)) == ["slow", "quick"]


async def test_an_error_is_of_its_command_alone() -> None:
    together = Together(Server().send, at_most=10)
    failing = asyncio.create_task(together.ask(("FAIL", "x")))
    assert await together.ask(("ECHO", "y")) == "y"
    with pytest.raises(ValueError, match="x"):
        await failing


async def test_a_trip_that_fails_fails_for_all_on_it() -> None:
    together = Together(Server().send, at_most=10)
    said = await asyncio.gather(
        together.ask(("ECHO", "x")), together.ask(("BREAK",)), return_exceptions=True
    )
    assert [type(each) for each in said] == [ConnectionError, ConnectionError]
    assert await together.ask(("ECHO", "z")) == "z"


async def test_who_gave_up_waiting_holds_up_nobody() -> None:
    server = Server()
    together = Together(server.send, at_most=10)
    gone = asyncio.create_task(together.ask(("ECHO", "gone")))
    stays = asyncio.create_task(together.ask(("ECHO", "stays")))
    await asyncio.sleep(0)
    gone.cancel()
    assert await stays == "stays"
    with pytest.raises(asyncio.CancelledError):
        await gone


async def test_a_trip_takes_no_more_than_it_may() -> None:
    server = Server()
    together = Together(server.send, at_most=2)
    said = await asyncio.gather(*(together.ask(("ECHO", word)) for word in "abcde"))
    assert said == list("abcde")
    assert [len(trip) for trip in server.trips] == [2, 2, 1]


async def test_who_gave_up_before_the_trip_is_not_on_it() -> None:
    server = Server()
    together = Together(server.send, at_most=10)
    gone = asyncio.create_task(together.ask(("ECHO", "gone")))
    stays = asyncio.create_task(together.ask(("ECHO", "stays")))
    await asyncio.sleep(0)
    gone.cancel()
    await stays
    assert server.trips == [[("ECHO", "stays")]]
