"""A point in time by which a client's work must be done, and the pauses between its attempts."""

import asyncio
import random
from dataclasses import dataclass

from latentflow.errors import DeadlineExpired, InvalidInput, LatentFlowError


@dataclass(frozen=True, slots=True)
class Deadline:
    """`at` is a time of the running event loop, in seconds."""

    at: float

    @classmethod
    def after(cls, seconds: float) -> "Deadline":
        """Raises InvalidInput unless `seconds` is positive."""
        if not seconds > 0:
            raise InvalidInput(field="timeout", problem="must be above 0 seconds")
        return cls(asyncio.get_running_loop().time() + seconds)

    def remaining_seconds(self) -> float:
        """Always positive. Raises DeadlineExpired when there is no time left."""
        seconds = self.at - asyncio.get_running_loop().time()
        if seconds <= 0:
            raise DeadlineExpired()
        return seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """At most `attempts` in a row without progress; pauses double from `first_seconds`."""

    attempts: int = 6
    first_seconds: float = 0.1
    longest_seconds: float = 2.0

    def pause_seconds(self, failures: int) -> float:
        return min(self.longest_seconds, self.first_seconds * 2.0 ** (failures - 1))


class Retries:
    """Counts the failures in a row of one piece of work, and pauses after each."""

    def __init__(self, policy: RetryPolicy, deadline: Deadline) -> None:
        self._policy = policy
        self._deadline = deadline
        self._failures = 0

    def progressed(self) -> None:
        self._failures = 0

    async def pause(self, error: LatentFlowError) -> None:
        """Raises `error` itself when no attempt, or no time for one, is left."""
        self._failures += 1
        seconds = self._policy.pause_seconds(self._failures) * random.uniform(0.5, 1.0)
        if self._failures >= self._policy.attempts:
            raise error
        if seconds >= self._deadline.remaining_seconds():
            raise error
        await asyncio.sleep(seconds)
