import asyncio

import pytest

from latentflow.errors import BrokerUnavailable, DeadlineExpired, InvalidInput
from latentflow.rpc.deadline import Deadline, Retries, RetryPolicy
from latentflow.rpc.deadline_interceptor import DeadlinePolicy

LOST = BrokerUnavailable(retry_after_seconds=1.0)
QUICK = RetryPolicy(attempts=3, first_seconds=1e-6, longest_seconds=1e-6)


@pytest.mark.parametrize("seconds", [0, -1, float("nan")])
async def test_a_timeout_must_be_positive(seconds: float) -> None:
    with pytest.raises(InvalidInput, match="timeout"):
        Deadline.after(seconds)


async def test_no_time_left_is_an_expired_deadline() -> None:
    with pytest.raises(DeadlineExpired):
        Deadline(asyncio.get_running_loop().time()).remaining_seconds()


async def test_pauses_double_up_to_the_longest() -> None:
    policy = RetryPolicy(first_seconds=0.1, longest_seconds=0.5)
    assert [policy.pause_seconds(n) for n in (1, 2, 3, 4)] == [0.1, 0.2, 0.4, 0.5]


async def test_the_last_attempt_in_a_row_raises_its_error() -> None:
    retries = Retries(QUICK, Deadline.after(60))
    await retries.pause(LOST)
    await retries.pause(LOST)
    with pytest.raises(BrokerUnavailable):
        await retries.pause(LOST)


async def test_progress_starts_the_count_again() -> None:
    retries = Retries(QUICK, Deadline.after(60))
    for _ in range(10):
        await retries.pause(LOST)
        retries.progressed()


async def test_no_pause_outlasts_the_deadline() -> None:
    patient = RetryPolicy(attempts=9, first_seconds=100, longest_seconds=100)
    with pytest.raises(BrokerUnavailable):
        await Retries(patient, Deadline.after(1)).pause(LOST)


def policy(default_seconds: float = 60, maximum_seconds: float = 600) -> DeadlinePolicy:
    return DeadlinePolicy(
        default_seconds=default_seconds, maximum_seconds=maximum_seconds, endless=frozenset()
    )


@pytest.mark.parametrize(("asked", "given"), [(None, 60), (5, 5), (600, 600), (9999, 600)])
def test_a_call_gets_the_deadline_it_asked_within_bounds(asked: float | None, given: float) -> None:
    assert policy().seconds_for(asked) == given


@pytest.mark.parametrize("default_seconds", [0, -1, 601])
def test_a_default_out_of_its_bounds_is_refused(default_seconds: float) -> None:
    with pytest.raises(InvalidInput):
        policy(default_seconds=default_seconds)
