"""A store that does not answer is left alone, and found again without help."""

import pytest

from latentflow.errors import StoreUnavailable
from services.broker.redis_store.breaker import Breaker


class Now:
    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def now() -> Now:
    return Now()


@pytest.fixture
def broken(now: Now) -> Breaker:
    breaker = Breaker(clock=now, failures=3, rest_seconds=2.0)
    for _ in range(3):
        breaker.admit()
        breaker.failed()
    return breaker


def test_failures_in_a_row_open_it(broken: Breaker) -> None:
    with pytest.raises(StoreUnavailable) as refusal:
        broken.admit()
    assert refusal.value.retry_after_seconds == 2.0


def test_a_success_between_starts_the_count_anew(now: Now) -> None:
    breaker = Breaker(clock=now, failures=2)
    for _ in range(3):
        breaker.failed()
        breaker.succeeded()
    assert not breaker.is_open


def test_one_call_tries_after_the_rest_while_others_are_refused(broken: Breaker, now: Now) -> None:
    now.seconds = 2.0
    broken.admit()
    with pytest.raises(StoreUnavailable):
        broken.admit()


def test_a_try_that_succeeds_heals_it(broken: Breaker, now: Now) -> None:
    now.seconds = 2.0
    broken.admit()
    broken.succeeded()
    broken.admit()
    assert not broken.is_open


def test_a_try_that_fails_lets_it_rest_again(broken: Breaker, now: Now) -> None:
    now.seconds = 2.0
    broken.admit()
    broken.failed()
    with pytest.raises(StoreUnavailable):
        broken.admit()
    now.seconds = 4.0
    broken.admit()
