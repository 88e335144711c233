"""Stops asking a store that does not answer, and finds out by itself when it answers again."""

from collections.abc import Callable
from dataclasses import dataclass

from latentflow.errors import StoreUnavailable

Seconds = Callable[[], float]


@dataclass(slots=True, kw_only=True)
class Breaker:
    """Opens after `failures` in a row without a success between.

    While it is open every call is refused at once; each `rest_seconds` one is let through, and its
    success closes the breaker.
    """

    clock: Seconds
    failures: int = 5
    rest_seconds: float = 1.0
    _failed: int = 0
    _next_try: float = 0.0

    @property
    def is_open(self) -> bool:
        return self._failed >= self.failures

    def admit(self) -> None:
        """Raises StoreUnavailable while it is open, but for the call that tries."""
        if not self.is_open:
            return
        now = self.clock()
        if now < self._next_try:
            raise StoreUnavailable(retry_after_seconds=self._next_try - now)
        self._next_try = now + self.rest_seconds

    def succeeded(self) -> None:
        self._failed = 0

    def failed(self) -> None:
        self._failed += 1
        if self._failed == self.failures:
            self._next_try = self.clock() + self.rest_seconds
