"""A service that answers probes before it can work: what it works with comes once it is loaded.

Knows nothing of what is loaded.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Generic, TypeVar

from latentflow.errors import ServiceUnavailable
from latentflow.rpc.server import RunningServer
from latentflow.rpc.status import RETRY_AFTER_SECONDS
from latentflow.rpc.worker import Worker

Part = TypeVar("Part")


class Standby(Generic[Part]):
    """Holds the part that does a service's work, from when it is there."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._part: Part | None = None

    def part(self) -> Part:
        """Raises ServiceUnavailable, which may be retried, until the part is there."""
        if self._part is None:
            raise ServiceUnavailable(service=self._name, retry_after_seconds=RETRY_AFTER_SECONDS)
        return self._part

    def fill(self, part: Part) -> None:
        self._part = part


@asynccontextmanager
async def listening(server: RunningServer, worker: Worker) -> AsyncIterator[None]:
    """Answers probes for as long as the block lasts, then drains and closes both.

    Not the worker when the block fails: what its thread is loading then can't be interrupted.
    """
    await server.start_waiting()
    try:
        yield
    finally:
        await server.drain()
    await worker.close()
