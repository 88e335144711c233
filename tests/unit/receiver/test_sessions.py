"""Sessions: kept while used, ended when idle, each its tenant's own, never over their memory."""

from collections.abc import Iterator
from itertools import count

import pytest

from latentflow.calls import SessionId
from latentflow.errors import InvalidInput, Overloaded, UnknownSession
from latentflow.latent import Tenant
from latentflow.model.prompt import PromptFormat
from latentflow.model.reading import empty_cache
from services.receiver.budget import MemoryBudget
from services.receiver.priming import Primed
from services.receiver.sessions import Kept, Sessions
from tests.tiny_pair import TinyPair

ONE, OTHER = Tenant("one"), Tenant("other")
LIMIT = 100


class Seconds:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Seconds:
    return Seconds()


@pytest.fixture
def budget() -> MemoryBudget:
    return MemoryBudget("session_bytes", LIMIT)


@pytest.fixture
def sessions(clock: Seconds, budget: MemoryBudget) -> Sessions:
    ids: Iterator[int] = count()
    return Sessions(budget=budget, clock=clock, new_id=lambda: SessionId(str(next(ids))))


@pytest.fixture
def kept(pair: TinyPair) -> Kept:
    cache = empty_cache(pair.receiver, 1)
    return Kept(primed=Primed(form=PromptFormat(), cache=cache, positions=0, slots=0))


def opened(
    sessions: Sessions, kept: Kept, *, held_bytes: int = 40, idle_seconds: int = 10
) -> SessionId:
    with sessions.room(held_bytes) as room:
        return sessions.keep(ONE, kept, room, idle_seconds=idle_seconds)


def is_live(sessions: Sessions, session_id: SessionId) -> bool:
    try:
        with sessions.use(ONE, session_id):
            return True
    except UnknownSession:
        return False


def test_a_session_gives_back_the_very_cache(sessions: Sessions, kept: Kept) -> None:
    with sessions.use(ONE, opened(sessions, kept)) as used:
        assert used is kept


def test_another_tenants_session_is_unknown(sessions: Sessions, kept: Kept) -> None:
    session_id = opened(sessions, kept)
    with pytest.raises(UnknownSession), sessions.use(OTHER, session_id):
        pass
    with pytest.raises(UnknownSession):
        sessions.close(OTHER, session_id)
    assert is_live(sessions, session_id)


def test_a_closed_session_is_unknown_and_its_memory_free(
    sessions: Sessions, kept: Kept, budget: MemoryBudget
) -> None:
    session_id = opened(sessions, kept)
    assert budget.taken_bytes == 40
    sessions.close(ONE, session_id)
    assert budget.taken_bytes == 0
    with pytest.raises(UnknownSession):
        sessions.close(ONE, session_id)


def test_an_idle_session_ends(
    sessions: Sessions, kept: Kept, clock: Seconds, budget: MemoryBudget
) -> None:
    session_id = opened(sessions, kept)
    clock.now += 10
    sessions.end_idle()
    assert budget.taken_bytes == 0
    assert not is_live(sessions, session_id)


def test_use_keeps_a_session_from_being_idle(
    sessions: Sessions, kept: Kept, clock: Seconds
) -> None:
    session_id = opened(sessions, kept)
    for _ in range(3):
        clock.now += 9
        assert is_live(sessions, session_id)


def test_a_session_in_use_does_not_end_however_long(
    sessions: Sessions, kept: Kept, clock: Seconds
) -> None:
    session_id = opened(sessions, kept)
    with sessions.use(ONE, session_id):
        clock.now += 100
        sessions.end_idle()
    assert is_live(sessions, session_id)


def test_a_session_closed_in_use_ends_without_being_freed_twice(
    sessions: Sessions, kept: Kept, budget: MemoryBudget
) -> None:
    session_id = opened(sessions, kept)
    with sessions.use(ONE, session_id):
        sessions.close(ONE, session_id)
    assert budget.taken_bytes == 0


def test_a_new_session_is_refused_while_live_ones_fill_the_memory(
    sessions: Sessions, kept: Kept, clock: Seconds
) -> None:
    first = opened(sessions, kept, idle_seconds=10)
    second = opened(sessions, kept, idle_seconds=30)
    clock.now += 4
    with pytest.raises(Overloaded) as refusal:
        opened(sessions, kept)
    assert refusal.value.retry_after_seconds == 6
    assert is_live(sessions, first)
    assert is_live(sessions, second)


def test_room_comes_from_sessions_that_are_idle_by_then(
    sessions: Sessions, kept: Kept, clock: Seconds
) -> None:
    opened(sessions, kept)
    opened(sessions, kept)
    clock.now += 10
    opened(sessions, kept)


def test_a_session_beyond_all_memory_can_never_be(sessions: Sessions, kept: Kept) -> None:
    with pytest.raises(InvalidInput):
        opened(sessions, kept, held_bytes=LIMIT + 1)


def test_room_that_no_session_takes_is_given_back(sessions: Sessions, budget: MemoryBudget) -> None:
    with pytest.raises(ZeroDivisionError), sessions.room(40):
        raise ZeroDivisionError
    assert budget.taken_bytes == 0
