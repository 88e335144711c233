"""An account of memory: bytes are taken before they are allocated, and given back as one."""

from collections.abc import Iterator
from contextlib import contextmanager

from latentflow.errors import InvalidInput, Overloaded
from latentflow.rpc.status import RETRY_AFTER_SECONDS


class MemoryBudget:
    """`limit_bytes` for everybody together; `resource` names it in errors."""

    def __init__(self, resource: str, limit_bytes: int) -> None:
        self._resource = resource
        self._limit_bytes = limit_bytes
        self._taken_bytes = 0

    @property
    def taken_bytes(self) -> int:
        return self._taken_bytes

    @property
    def limit_bytes(self) -> int:
        return self._limit_bytes

    def take(self, amount: int, *, retry_after_seconds: float = RETRY_AFTER_SECONDS) -> None:
        """Raises InvalidInput for more than there ever is, Overloaded for more than is left."""
        if amount > self._limit_bytes:
            problem = f"{amount} bytes are more than the {self._limit_bytes} of this receiver"
            raise InvalidInput(field=self._resource, problem=problem)
        if self._taken_bytes + amount > self._limit_bytes:
            raise Overloaded(
                resource=self._resource,
                limit=self._limit_bytes,
                retry_after_seconds=retry_after_seconds,
            )
        self._taken_bytes += amount

    def give_back(self, amount: int) -> None:
        self._taken_bytes -= amount


class Account:
    """What one holder has taken of a budget."""

    def __init__(self, budget: MemoryBudget, held_bytes: int = 0) -> None:
        self._budget = budget
        self._held_bytes = held_bytes

    def take(self, amount: int, *, retry_after_seconds: float = RETRY_AFTER_SECONDS) -> None:
        """Raises as `MemoryBudget.take`."""
        self._budget.take(amount, retry_after_seconds=retry_after_seconds)
        self._held_bytes += amount

    def hand_over(self) -> "Account":
        """All it holds, to another holder."""
        held_bytes, self._held_bytes = self._held_bytes, 0
        return Account(self._budget, held_bytes)

    def settle(self) -> None:
        """Gives back all it holds."""
        self._budget.give_back(self._held_bytes)
        self._held_bytes = 0


@contextmanager
def account(budget: MemoryBudget) -> Iterator[Account]:
    """An account that is settled at the end of the block."""
    opened = Account(budget)
    try:
        yield opened
    finally:
        opened.settle()
