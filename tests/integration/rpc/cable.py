"""A TCP connection that a test can cut or let stall: forwards bytes between client and server."""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress


class Cable:
    """Listens on a port of its own. `cut` breaks what is connected; new connections work.

    Of what a client says on one connection the first `most_said` bytes get through, and then
    `stalled` is set.
    """

    def __init__(self, server_port: int, most_said: int = sys.maxsize) -> None:
        self.port = 0
        self.cuts = 0
        self.stalled = asyncio.Event()
        self._server_port = server_port
        self._most_said = most_said
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    def cut(self) -> None:
        self.cuts += 1
        for writer in self._writers:
            writer.transport.abort()

    async def connect(self, near: asyncio.StreamReader, near_writer: asyncio.StreamWriter) -> None:
        far, far_writer = await asyncio.open_connection("127.0.0.1", self._server_port)
        self._forward(near, far_writer, self._most_said)
        self._forward(far, near_writer, sys.maxsize)

    def _forward(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, most: int
    ) -> None:
        self._writers.add(writer)
        task = asyncio.create_task(self._pump(reader, writer, most))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _pump(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, most: int
    ) -> None:
        with suppress(ConnectionError):
            while data := await reader.read(min(64 * 1024, most)):
                most -= len(data)
                writer.write(data)
                await writer.drain()
            if most == 0:
                self.stalled.set()
                await writer.wait_closed()
        self._writers.discard(writer)
        writer.transport.abort()

    async def close(self) -> None:
        self.cut()
        await asyncio.gather(*self._tasks, return_exceptions=True)


@asynccontextmanager
async def cable_to(server_port: int, most_said: int = sys.maxsize) -> AsyncIterator[Cable]:
    cable = Cable(server_port, most_said)
    listening = await asyncio.start_server(cable.connect, "127.0.0.1", 0)
    cable.port = listening.sockets[0].getsockname()[1]
    try:
        yield cable
    finally:
        listening.close()
        await cable.close()


class CutOnce:
    """A hook that cuts the cable when one of the indices comes by, once for each."""

    def __init__(self, cable: Cable, *indices: int) -> None:
        self._cable = cable
        self._indices = set(indices)

    def __call__(self, index: int) -> None:
        if index in self._indices:
            self._indices.remove(index)
            self._cable.cut()
