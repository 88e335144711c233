"""Sends commands that are asked for at the same moment together."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

from redis.typing import EncodableT

Command = tuple[EncodableT, ...]
Send = Callable[[Sequence[Command]], Awaitable[Sequence[Any]]]


@dataclass(frozen=True, slots=True, eq=False)
class _Asked:
    command: Command
    reply: asyncio.Future[Any]


class Together:
    """`send` gives a reply to each command, in their order; an exception is one too.

    Who no longer waits for a reply holds up nobody.
    """

    def __init__(self, send: Send) -> None:
        self._send = send
        self._asked: list[_Asked] = []
        self._sending: set[asyncio.Task[None]] = set()

    async def ask(self, command: Command) -> Any:
        """Raises what the reply is, or what `send` raised for all."""
        loop = asyncio.get_running_loop()
        if not self._asked:
            # A turn later than the next: tasks that are made in this one come along.
            loop.call_soon(loop.call_soon, self._depart)
        asked = _Asked(command, loop.create_future())
        self._asked.append(asked)
        reply = await asked.reply
        if isinstance(reply, Exception):
            raise reply
        return reply

    def _depart(self) -> None:
        asked, self._asked = self._asked, []
        sending = asyncio.create_task(self._carry(asked))
        self._sending.add(sending)
        sending.add_done_callback(self._sending.discard)

    async def _carry(self, asked: Sequence[_Asked]) -> None:
        try:
            replies = await self._send([each.command for each in asked])
        except Exception as error:
            replies = [error] * len(asked)
        for each, reply in zip(asked, replies, strict=True):
            if not each.reply.done():
                each.reply.set_result(reply)
