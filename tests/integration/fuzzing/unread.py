"""Clients that open streams, hardly read them, and vanish without a word."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import grpc

from tests.integration.rpc.cable import cable_to

Open = Callable[[grpc.aio.Channel], "grpc.aio.UnaryStreamCall[Any, Any]"]

CALLS_A_CONNECTION = 25
_SECONDS_A_MESSAGE = 1.0
_MESSAGES = 2
_OPTIONS = (
    ("grpc.use_local_subchannel_pool", 1),
    # Else this side would take several MB for each stream before the server has to hold any.
    ("grpc.http2.bdp_probe", 0),
    ("grpc.http2.lookahead_bytes", 128),
)


@asynccontextmanager
async def cut_at_the_end(address: str) -> AsyncIterator[grpc.aio.Channel]:
    async with cable_to(int(address.rpartition(":")[2])) as cable:
        channel = grpc.aio.insecure_channel(f"127.0.0.1:{cable.port}", options=_OPTIONS)
        try:
            yield channel
        finally:
            cable.cut()
            await channel.close()


@asynccontextmanager
async def vanishing_readers(
    address: str, open_call: Open, *, calls: int
) -> AsyncIterator["asyncio.Future[list[None]]"]:
    """`calls` streams that have begun. At the end every connection is cut.

    Yields the end of a time in which of half of them a message a second is read, of the others
    nothing.
    """
    async with AsyncExitStack() as connections:
        opened = []
        for _ in range(calls // CALLS_A_CONNECTION):
            channel = await connections.enter_async_context(cut_at_the_end(address))
            opened += [open_call(channel) for _ in range(CALLS_A_CONNECTION)]
        await asyncio.gather(*(call.initial_metadata() for call in opened))
        reading = asyncio.gather(*map(_read_slowly, opened[::2]))
        try:
            yield reading
        finally:
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)


async def _read_slowly(call: "grpc.aio.UnaryStreamCall[Any, Any]") -> None:
    for _ in range(_MESSAGES):
        assert await call.read() is not grpc.aio.EOF
        await asyncio.sleep(_SECONDS_A_MESSAGE)
