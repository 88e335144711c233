"""Sessions: primed caches kept between calls, each its tenant's own, within one memory budget.

Ends what is idle by the clock it is given; knows nothing of what a cache holds.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from latentflow.calls import SessionId
from latentflow.errors import UnknownSession
from latentflow.latent import Tenant
from latentflow.rpc.status import RETRY_AFTER_SECONDS
from services.receiver.budget import Account, MemoryBudget, account
from services.receiver.priming import Primed

Clock = Callable[[], float]
"""Seconds of a monotonic clock."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """A primed cache. `creations` are the traceparents of the latents in it."""

    primed: Primed
    creations: tuple[str, ...] = ()


@dataclass(slots=True, kw_only=True)
class _Session:
    """A session in use is not idle; `idle_since` is when it was last used."""

    kept: Kept
    memory: Account
    idle_seconds: int
    idle_since: float
    users: int = 0

    def ends_at(self) -> float:
        return float("inf") if self.users else self.idle_since + self.idle_seconds


class Sessions:
    """Nothing live is ever dropped for a new session: when memory is out, that one is refused."""

    def __init__(
        self, *, budget: MemoryBudget, clock: Clock, new_id: Callable[[], SessionId]
    ) -> None:
        self._budget = budget
        self._clock = clock
        self._new_id = new_id
        self._sessions: dict[tuple[Tenant, SessionId], _Session] = {}

    @property
    def budget(self) -> MemoryBudget:
        return self._budget

    @contextmanager
    def room(self, held_bytes: int) -> Iterator[Account]:
        """Memory for a session to be, before it is made; given back unless `keep` takes it over.

        Raises Overloaded, with the time until a session may end as its delay, or InvalidInput.
        """
        self.end_idle()
        with account(self._budget) as memory:
            memory.take(held_bytes, retry_after_seconds=self._seconds_to_next_end())
            yield memory

    def keep(self, tenant: Tenant, kept: Kept, memory: Account, *, idle_seconds: int) -> SessionId:
        session_id = self._new_id()
        self._sessions[tenant, session_id] = _Session(
            kept=kept,
            memory=memory.hand_over(),
            idle_seconds=idle_seconds,
            idle_since=self._clock(),
        )
        return session_id

    @contextmanager
    def use(self, tenant: Tenant, session_id: SessionId) -> Iterator[Kept]:
        """Raises UnknownSession also for another tenant's."""
        self.end_idle()
        session = self._find(tenant, session_id)
        session.users += 1
        try:
            yield session.kept
        finally:
            session.users -= 1
            session.idle_since = self._clock()

    def close(self, tenant: Tenant, session_id: SessionId) -> None:
        """Who uses it goes on to the end of its call. Raises UnknownSession."""
        self.end_idle()
        self._find(tenant, session_id)
        self._end(tenant, session_id)

    def end_idle(self) -> None:
        """Ends every session that was idle for its idle_seconds."""
        now = self._clock()
        over = [key for key, session in self._sessions.items() if session.ends_at() <= now]
        for key in over:
            self._end(*key)

    def _find(self, tenant: Tenant, session_id: SessionId) -> _Session:
        session = self._sessions.get((tenant, session_id))
        if session is None:
            raise UnknownSession(session_id=session_id)
        return session

    def _end(self, tenant: Tenant, session_id: SessionId) -> None:
        self._sessions.pop((tenant, session_id)).memory.settle()

    def _seconds_to_next_end(self) -> float:
        ends = [session.ends_at() for session in self._sessions.values() if not session.users]
        return max(RETRY_AFTER_SECONDS, min(ends, default=0.0) - self._clock())
