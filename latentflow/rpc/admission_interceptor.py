"""Bounds the calls in flight, refuses new ones while the service drains, and ends those that
outlast the grace time. Knows nothing of what the calls do; health checks are always admitted.
"""

import asyncio
from collections.abc import Callable, Set
from contextlib import suppress
from typing import Any

from latentflow.errors import Draining, Overloaded
from latentflow.rpc.handlers import CallInterceptor, Proceed, ServedCall
from latentflow.rpc.methods import HEALTH_PREFIX
from latentflow.rpc.status import RETRY_AFTER_SECONDS


class AdmissionInterceptor(CallInterceptor):
    """Owns the set of calls in flight. Those of `endless` methods end as soon as draining begins,
    and are half of the limit at most: the others end by themselves, and their places come free.
    """

    def __init__(self, *, limit: int, endless: Set[str]) -> None:
        self._limit = limit
        self._endless_limit = (limit + 1) // 2
        self._endless = endless
        self._method_of: dict[asyncio.Task[Any], str] = {}
        self._ended: set[asyncio.Task[Any]] = set()
        self._serving: set[asyncio.Task[Any]] = set()
        self._idle = asyncio.Event()
        self._idle.set()
        self._draining = False

    @property
    def in_flight(self) -> int:
        return len(self._method_of)

    async def around(self, call: ServedCall, proceed: Proceed) -> Any:
        task = asyncio.current_task()
        assert task is not None
        self._serving.add(task)
        task.add_done_callback(self._serving.discard)
        if call.method.startswith(HEALTH_PREFIX):
            return await proceed()
        self._require_room(call.method)
        self._enter(task, call.method)
        try:
            return await proceed()
        except asyncio.CancelledError:
            if task in self._ended:
                task.uncancel()
                raise Draining(retry_after_seconds=RETRY_AFTER_SECONDS) from None
            raise
        finally:
            self._leave(task)

    async def drain(self, grace_seconds: float) -> None:
        """Refuses new calls, lets those in flight finish for `grace_seconds`, then ends them."""
        self._draining = True
        self._end(lambda method: method in self._endless)
        with suppress(TimeoutError):
            await asyncio.wait_for(self._idle.wait(), grace_seconds)
        self._end(lambda method: True)
        await self._idle.wait()

    async def all_over(self, seconds: float) -> None:
        """Waits so long for the tasks of all calls, health checks too, that gRPC has ended: a loop
        that ends before them cuts them off, and gRPC logs that.
        """
        if self._serving:
            await asyncio.wait(self._serving, timeout=seconds)

    def _require_room(self, method: str) -> None:
        if self._draining:
            raise Draining(retry_after_seconds=RETRY_AFTER_SECONDS)
        _require_below("calls", self._limit, self.in_flight)
        if method in self._endless:
            endless = sum(each in self._endless for each in self._method_of.values())
            _require_below("endless calls", self._endless_limit, endless)

    def _enter(self, task: asyncio.Task[Any], method: str) -> None:
        self._method_of[task] = method
        self._idle.clear()

    def _leave(self, task: asyncio.Task[Any]) -> None:
        del self._method_of[task]
        self._ended.discard(task)
        if not self._method_of:
            self._idle.set()

    def _end(self, chosen: Callable[[str], bool]) -> None:
        for task, method in self._method_of.items():
            if chosen(method):
                self._ended.add(task)
                task.cancel()


def _require_below(resource: str, limit: int, count: int) -> None:
    if count >= limit:
        raise Overloaded(resource=resource, limit=limit, retry_after_seconds=RETRY_AFTER_SECONDS)
