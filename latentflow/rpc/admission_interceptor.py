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
    """Owns the set of calls in flight. `endless` methods are ended as soon as draining begins."""

    def __init__(self, *, limit: int, endless: Set[str]) -> None:
        self._limit = limit
        self._endless = endless
        self._method_of: dict[asyncio.Task[Any], str] = {}
        self._ended: set[asyncio.Task[Any]] = set()
        self._idle = asyncio.Event()
        self._idle.set()
        self._draining = False

    @property
    def in_flight(self) -> int:
        return len(self._method_of)

    async def around(self, call: ServedCall, proceed: Proceed) -> Any:
        if call.method.startswith(HEALTH_PREFIX):
            return await proceed()
        self._require_room()
        task = self._enter(call.method)
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

    def _require_room(self) -> None:
        if self._draining:
            raise Draining(retry_after_seconds=RETRY_AFTER_SECONDS)
        if self.in_flight >= self._limit:
            raise Overloaded(
                resource="calls", limit=self._limit, retry_after_seconds=RETRY_AFTER_SECONDS
            )

    def _enter(self, method: str) -> asyncio.Task[Any]:
        task = asyncio.current_task()
        assert task is not None
        self._method_of[task] = method
        self._idle.clear()
        return task

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
