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
    """`send` gives a reply to each of `at_most` commands, in order; an exception is one too.

    Who no longer waits for a reply holds up nobody.
    """

    def __init__(self, send: Send, *, at_most: int) -> None:
        self._send = send
        self._at_most = at_most
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
            raise reply.with_traceback(None)  # else it grows with everybody who raises it
        return reply

    def _depart(self) -> None:
        asked = [each for each in self._asked if not each.reply.done()]
        self._asked = []
        for start in range(0, len(asked), self._at_most):
            sending = asyncio.create_task(self._carry(asked[start : start + self._at_most]))
            self._sending.add(sending)
            sending.add_done_callback(self._sending.discard)

    async def _carry(self, asked: Sequence[_Asked]) -> None:
        replies: Sequence[Any] = [asyncio.CancelledError()] * len(asked)
        try:
            replies = await self._send([each.command for each in asked])
        except Exception as error:
            replies = [error] * len(asked)
        finally:
            for each, reply in zip(asked, replies, strict=True):
                _give(each.reply, reply)


def _give(waiting: asyncio.Future[Any], reply: Any) -> None:
    if waiting.done():
        return
    if isinstance(reply, asyncio.CancelledError):
        waiting.cancel()
    else:
        waiting.set_result(reply)
