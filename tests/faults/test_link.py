"""The proxy does to the bytes what its strike says, once, and nothing else."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import pytest

from tests.faults.link import Link, link_to
from tests.faults.plan import Direction, Fault, Hop, Strike

SENT = bytes(range(100))
PLACE, SPAN = 10, 5


def strike(fault: Fault) -> Strike:
    return Strike(
        fault=fault,
        hop=Hop.STORE,
        direction=Direction.UP,
        after_bytes=PLACE,
        span_bytes=SPAN,
        bit=3,
        seconds=0.0,
    )


@asynccontextmanager
async def listening() -> AsyncIterator[tuple[Link, asyncio.Queue[bytes]]]:
    """A link to a server that puts all that a connection brought into the queue."""
    received: asyncio.Queue[bytes] = asyncio.Queue()

    async def receive(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            received.put_nowait(await reader.read(-1))
        except ConnectionError:
            received.put_nowait(b"cut")
        writer.close()

    server = await asyncio.start_server(receive, "127.0.0.1", 0)
    async with link_to(server.sockets[0].getsockname()[1]) as link:
        yield link, received
    server.close()
    await server.wait_closed()


async def send(link: Link) -> None:
    _, writer = await asyncio.open_connection("127.0.0.1", link.port)
    writer.write(SENT)
    writer.write_eof()
    with suppress(ConnectionError):
        await writer.drain()
        writer.close()
        await writer.wait_closed()


ARRIVES = {
    Fault.DELAY: SENT,
    Fault.STALL: SENT,
    Fault.DROP: SENT[:PLACE] + SENT[PLACE + SPAN :],
    Fault.TRUNCATE: SENT[: PLACE + SPAN],
    Fault.DUPLICATE: SENT[: PLACE + SPAN] + SENT[PLACE:],
    Fault.REORDER: SENT[:10] + SENT[15:20] + SENT[10:15] + SENT[20:],
    Fault.FLIP: SENT[:10] + bytes([SENT[10] ^ 8]) + SENT[11:],
    Fault.KILL_BROKER: SENT,
}


@pytest.mark.parametrize("fault", ARRIVES, ids=str)
async def test_strike_does_what_it_says_once(fault: Fault) -> None:
    struck: list[Fault] = []
    async with listening() as (link, received):
        link.arm(strike(fault), lambda: struck.append(fault))
        await send(link)
        assert await received.get() == ARRIVES[fault]
        await send(link)
        assert await received.get() == SENT
        assert link.has_struck
    assert struck == [fault]


async def test_cut_ends_the_connection() -> None:
    async with listening() as (link, received):
        link.arm(strike(Fault.CUT), lambda: None)
        await send(link)
        assert await received.get() in (b"cut", b"", SENT[:PLACE])
        await send(link)
        assert await received.get() == SENT


async def test_link_that_is_not_armed_changes_nothing() -> None:
    async with listening() as (link, received):
        link.arm(None, lambda: None)
        await send(link)
        assert await received.get() == SENT
        assert link.carried[Direction.UP] == len(SENT)
        assert not link.has_struck
