"""Gives every call a deadline and ends its work there, whether or not the caller set one.

Knows nothing of what the work is; endless methods are exempt by name.
"""

import asyncio
import math
from collections.abc import Set
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from latentflow.errors import DeadlineExpired, InvalidInput
from latentflow.rpc.handlers import CallInterceptor, Proceed, ServedCall

_expires: ContextVar[float] = ContextVar("expires", default=math.inf)


def remaining_seconds() -> float:
    """Seconds that the call being served may still take; infinite for an endless one."""
    return max(0.0, _expires.get() - asyncio.get_running_loop().time())


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadlinePolicy:
    """A call without a deadline gets the default, a longer one is cut to the maximum."""

    default_seconds: float
    maximum_seconds: float
    endless: Set[str]

    def __post_init__(self) -> None:
        if not 0 < self.default_seconds <= self.maximum_seconds:
            raise InvalidInput(field="default_seconds", problem="must be above 0, at most maximum")

    def seconds_for(self, asked_seconds: float | None) -> float:
        if asked_seconds is None:
            return self.default_seconds
        return min(asked_seconds, self.maximum_seconds)


class DeadlineInterceptor(CallInterceptor):
    """Cancels the work at the deadline and reports DeadlineExpired."""

    def __init__(self, policy: DeadlinePolicy) -> None:
        self._policy = policy

    async def around(self, call: ServedCall, proceed: Proceed) -> Any:
        if call.method in self._policy.endless:
            return await proceed()
        seconds = self._policy.seconds_for(call.context.time_remaining())
        _expires.set(asyncio.get_running_loop().time() + seconds)
        scope = asyncio.timeout_at(_expires.get())
        try:
            async with scope:
                return await proceed()
        except TimeoutError as error:
            if scope.expired():
                raise DeadlineExpired() from error
            raise
