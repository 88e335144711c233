"""A TCP proxy that applies one fault, once, where a certain byte comes by."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

from tests.faults.plan import CHANGES, Direction, Fault, Strike

_READ_BYTES = 64 * 1024
# What is swapped has two parts.
_LEAST_BYTES = 2
# A connection whose bytes have changed may be stuck for good. gRPC notices by its keepalive, after
# 40 s; nobody here waits for that.
_STUCK_SECONDS = 2.0

OnStrike = Callable[[], None]


@dataclass(frozen=True, slots=True)
class _Way:
    """One direction of one connection."""

    direction: Direction
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    back: asyncio.StreamWriter

    def cut(self) -> None:
        self.writer.transport.abort()
        self.back.transport.abort()


class Link:
    """Forwards to `target_port` on loopback, which may change; applies a strike once armed."""

    def __init__(self, target_port: int) -> None:
        self.port = 0
        self.target_port = target_port
        self.carried = dict.fromkeys(Direction, 0)
        self.has_struck = False
        self._strike: Strike | None = None
        self._on_strike: OnStrike = lambda: None
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    def arm(self, strike: Strike | None, on_strike: OnStrike) -> None:
        """Counts bytes from here on."""
        self.carried = dict.fromkeys(Direction, 0)
        self.has_struck = False
        self._strike, self._on_strike = strike, on_strike

    async def mend(self) -> None:
        """Ends whatever is connected and held; new connections are whole."""
        self._strike = None
        for writer in list(self._writers):
            writer.transport.abort()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def connect(self, near: asyncio.StreamReader, near_writer: asyncio.StreamWriter) -> None:
        try:
            far, far_writer = await asyncio.open_connection("127.0.0.1", self.target_port)
        except OSError:
            near_writer.transport.abort()
            return
        self._forward(_Way(Direction.UP, near, far_writer, near_writer))
        self._forward(_Way(Direction.DOWN, far, near_writer, far_writer))

    def _forward(self, way: _Way) -> None:
        self._writers.add(way.writer)
        task = asyncio.create_task(self._pump(way))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _pump(self, way: _Way) -> None:
        try:
            with suppress(ConnectionError):
                while data := await way.reader.read(_READ_BYTES):
                    way.writer.write(await self._through(way, data))
                    await way.writer.drain()
        finally:
            self._writers.discard(way.writer)
            _close(way.writer)

    async def _through(self, way: _Way, data: bytes) -> bytes:
        """What becomes of `data`."""
        strike = self._strike
        begun = self.carried[way.direction]
        self.carried[way.direction] += len(data)
        if strike is None or not _strikes_in(strike, way.direction, begun, len(data)):
            return data
        self._strike, self.has_struck = None, True
        self._on_strike()
        place = min(max(0, strike.after_bytes - begun), len(data) - _LEAST_BYTES)
        way.writer.write(data[:place])
        if strike.fault in CHANGES:
            asyncio.get_running_loop().call_later(_STUCK_SECONDS, way.cut)
        return await _broken(strike, data[place:], way)


def _strikes_in(strike: Strike, direction: Direction, begun: int, size: int) -> bool:
    is_there = strike.direction is direction and begun + size > strike.after_bytes
    return is_there and size >= _LEAST_BYTES


async def _broken(strike: Strike, data: bytes, way: _Way) -> bytes:
    """What comes of the bytes behind the place. Raises ConnectionError when the connection ends."""
    span = min(strike.span_bytes, len(data) // 2)
    match strike.fault:
        case Fault.DELAY | Fault.STALL:
            await asyncio.sleep(strike.seconds)
        case Fault.CUT:
            way.cut()
            raise ConnectionResetError
        case Fault.TRUNCATE:
            way.writer.write(data[:span])
            _close(way.back)
            raise ConnectionResetError
        case Fault.DROP:
            return data[span:]
        case Fault.DUPLICATE:
            return data[:span] + data
        case Fault.REORDER:
            return data[span : 2 * span] + data[:span] + data[2 * span :]
        case Fault.FLIP:
            return bytes([data[0] ^ 1 << strike.bit]) + data[1:]
    return data


def _close(writer: asyncio.StreamWriter) -> None:
    """In order: what was written still goes out."""
    with suppress(OSError):
        writer.close()


@asynccontextmanager
async def link_to(target_port: int) -> AsyncIterator[Link]:
    link = Link(target_port)
    listening = await asyncio.start_server(link.connect, "127.0.0.1", 0)
    link.port = listening.sockets[0].getsockname()[1]
    try:
        yield link
    finally:
        listening.close()
        await link.mend()
