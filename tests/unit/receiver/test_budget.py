"""Accounts of one memory budget."""

import pytest

from latentflow.errors import InvalidInput, Overloaded
from services.receiver.budget import Account, MemoryBudget, account


def take_twice(one: Account, amount: int) -> None:
    one.take(amount)
    one.take(amount)


def test_what_is_left_can_be_taken_and_no_more() -> None:
    budget = MemoryBudget("memory", 10)
    budget.take(4)
    budget.take(6)
    with pytest.raises(Overloaded) as refusal:
        budget.take(1, retry_after_seconds=7.0)
    assert (refusal.value.resource, refusal.value.limit) == ("memory", 10)
    assert refusal.value.retry_after_seconds == 7.0


def test_more_than_there_ever_is_can_never_work() -> None:
    with pytest.raises(InvalidInput) as refusal:
        MemoryBudget("memory", 10).take(11)
    assert refusal.value.field == "memory"


def test_what_is_refused_is_not_taken() -> None:
    budget = MemoryBudget("memory", 10)
    with account(budget) as one:
        one.take(8)
        with pytest.raises(Overloaded):
            one.take(3)
        assert budget.taken_bytes == 8
    assert budget.taken_bytes == 0


def test_an_account_is_settled_when_its_block_fails() -> None:
    budget = MemoryBudget("memory", 10)
    with pytest.raises(Overloaded), account(budget) as one:
        take_twice(one, 8)
    assert budget.taken_bytes == 0


def test_what_is_handed_over_outlives_the_block_and_is_settled_once() -> None:
    budget = MemoryBudget("memory", 10)
    with account(budget) as one:
        one.take(8)
        other = one.hand_over()
    assert budget.taken_bytes == 8
    other.settle()
    other.settle()
    assert budget.taken_bytes == 0
