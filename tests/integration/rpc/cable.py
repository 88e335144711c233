"""A TCP connection that a test can cut: forwards bytes between a client and a server."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress


class Cable:
    """Listens on a port of its own. `cut` breaks what is connected; new connections work."""

    def __init__(self, server_port: int) -> None:
        self.port = 0
        self.cuts = 0
        self._server_port = server_port
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    def cut(self) -> None:
        self.cuts += 1
        for writer in self._writers:
            writer.transport.abort()

    async def connect(self, near: asyncio.StreamReader, near_writer: asyncio.StreamWriter) -> None:
        far, far_writer = await asyncio.open_connection("127.0.0.1", self._server_port)
        self._forward(near, far_writer)
        self._forward(far, near_writer)

    def _forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        task = asyncio.create_task(self._pump(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            while data := await reader.read(64 * 1024):
                writer.write(data)
                await writer.drain()
        self._writers.discard(writer)
        writer.transport.abort()

    async def close(self) -> None:
        self.cut()
        await asyncio.gather(*self._tasks, return_exceptions=True)


@asynccontextmanager
async def cable_to(server_port: int) -> AsyncIterator[Cable]:
    cable = Cable(server_port)
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
