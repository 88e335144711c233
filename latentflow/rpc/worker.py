"""One thread for work that must not run on the event loop, and the orderly queue in front of it.

Bounds how many callers it admits, gives turns in the order of asking, and tells work when its
caller is gone. Knows nothing of the work, torch included.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from latentflow.errors import InvalidInput, Overloaded
from latentflow.rpc.status import RETRY_AFTER_SECONDS

Result = TypeVar("Result")
Event = TypeVar("Event")
OnAhead = Callable[[int], None]


def _ignore(_ahead: int) -> None:
    return None


class Turn:
    """The thread, for as long as one caller holds it."""

    def __init__(self, executor: ThreadPoolExecutor) -> None:
        self._executor = executor
        self._loop = asyncio.get_running_loop()
        self._is_cancelled = False

    def is_cancelled(self) -> bool:
        """For the work to ask between its steps: whether its caller no longer waits for it."""
        return self._is_cancelled

    async def run(self, work: Callable[[], Result]) -> Result:
        """Runs `work` on the thread and returns what it returns, or raises what it raises.

        When the caller is cancelled, work that has not begun never does, and work that has is
        told by `is_cancelled`; nobody waits for it but the next one on the thread.
        """
        try:
            return await self._loop.run_in_executor(self._executor, work)
        except asyncio.CancelledError:
            self._is_cancelled = True
            raise

    def from_thread(self, tell: Callable[[Event], object]) -> Callable[[Event], None]:
        """`tell` for the work to call: it is called on the event loop, in the order of calling."""

        def told(event: Event) -> None:
            self._loop.call_soon_threadsafe(partial(tell, event))

        return told


@dataclass(frozen=True, slots=True, eq=False)
class _Waiter:
    begun: asyncio.Future[None]
    on_ahead: OnAhead


class Worker:
    """The thread and its queue. Belongs to one event loop, on which all its methods are called.

    Admission comes before work: of `max_admitted` callers one works and the others wait.
    """

    def __init__(self, name: str, *, max_admitted: int) -> None:
        if max_admitted < 1:
            raise InvalidInput(field="max_admitted", problem="must be at least 1")
        self._executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix=name)
        self._limit = max_admitted
        self._admitted = 0
        self._waiters: deque[_Waiter] = deque()
        self._is_taken = False

    @property
    def admitted(self) -> int:
        return self._admitted

    @property
    def limit(self) -> int:
        return self._limit

    @contextmanager
    def admit(self) -> Iterator[None]:
        """A place for one caller, before anything is done for it. Raises Overloaded."""
        if self._admitted >= self._limit:
            raise Overloaded(
                resource="queue", limit=self._limit, retry_after_seconds=RETRY_AFTER_SECONDS
            )
        self._admitted += 1
        try:
            yield
        finally:
            self._admitted -= 1

    @asynccontextmanager
    async def turn(self, on_ahead: OnAhead = _ignore) -> AsyncIterator[Turn]:
        """Waits for the thread; `on_ahead` hears how many turns come first, each time that changes.

        A caller that is cancelled while it waits leaves the queue.
        """
        await self._wait(on_ahead)
        try:
            yield Turn(self._executor)
        finally:
            self._pass_on()

    async def close(self) -> None:
        """Waits for the work on the thread; called when no caller is left."""
        await asyncio.to_thread(self._executor.shutdown)

    async def _wait(self, on_ahead: OnAhead) -> None:
        if self._is_taken:
            await self._wait_in_line(on_ahead)
        self._is_taken = True
        on_ahead(0)

    async def _wait_in_line(self, on_ahead: OnAhead) -> None:
        waiter = _Waiter(asyncio.get_running_loop().create_future(), on_ahead)
        self._waiters.append(waiter)
        on_ahead(len(self._waiters))
        try:
            await waiter.begun
        except asyncio.CancelledError:
            self._leave(waiter)
            raise

    def _leave(self, waiter: _Waiter) -> None:
        if waiter in self._waiters:
            self._waiters.remove(waiter)
            self._tell_places()
        elif not waiter.begun.cancelled():
            # Its turn began in the very moment that it was cancelled.
            self._pass_on()

    def _pass_on(self) -> None:
        while self._waiters:
            waiter = self._waiters.popleft()
            # One that was cancelled just now has not left the queue yet.
            if not waiter.begun.cancelled():
                waiter.begun.set_result(None)
                self._tell_places()
                return
        self._is_taken = False

    def _tell_places(self) -> None:
        for ahead, waiter in enumerate(self._waiters, start=1):
            waiter.on_ahead(ahead)
