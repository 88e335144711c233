"""One question on its way through the engine: told on the thread, heard on the event loop."""

import asyncio
import time
from collections.abc import AsyncGenerator, Callable
from contextvars import copy_context
from dataclasses import dataclass

from latentflow.calls import Sampling
from latentflow.model.generation import Piece
from services.receiver.priming import Source


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """A question over something still to be read, or read before and kept."""

    source: Source
    question: str
    sampling: Sampling


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun:
    """The thread has taken the question up."""

    queue_seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Injected:
    """The cache is ready and the question comes next. Seconds are wall-clock."""

    prompt_tokens: int
    latent_slots: int
    inject_seconds: float


Step = Begun | Injected | Piece


class Asked:
    """A question that waits or is answered. Made on the event loop."""

    def __init__(self, ask: Ask) -> None:
        self.ask = ask
        self.asked_at = time.perf_counter()
        self._loop = asyncio.get_running_loop()
        self._context = copy_context()
        self._heard: asyncio.Queue[Step | Exception] = asyncio.Queue()
        self._is_cancelled = False

    async def steps(self) -> AsyncGenerator[Step, None]:
        """Begun, Injected, then pieces to the last one; raises what was told by `fail`.

        Leaving early makes `is_cancelled` true.
        """
        try:
            while True:
                step = await self._heard.get()
                if isinstance(step, Exception):
                    raise step
                yield step
                if isinstance(step, Piece) and step.finish is not None:
                    return
        finally:
            self._is_cancelled = True

    def is_cancelled(self) -> bool:
        """Whether nobody listens any more."""
        return self._is_cancelled

    def in_its_span(self, record: Callable[[], None]) -> None:
        """Calls `record` as if the call itself did, on whatever thread."""
        self._context.run(record)

    def tell(self, step: Step) -> None:
        self._loop.call_soon_threadsafe(self._heard.put_nowait, step)

    def fail(self, error: Exception) -> None:
        self._loop.call_soon_threadsafe(self._heard.put_nowait, error)
