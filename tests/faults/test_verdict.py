"""A latent is committed everywhere or reported failed to all; the judge lets nothing else pass."""

from dataclasses import replace

import pytest

from tests.faults.plan import (
    FAULTS,
    Direction,
    Fault,
    Hop,
    Keeping,
    Plan,
    Stand,
    Strike,
    draw_plan,
)
from tests.faults.verdict import Account, Truth, Verdict, judge, may_take_back
from tests.faults.words import Word

TRUTH = Truth(published="commit", read="bytes")
PUBLISHED = Word(number=1, sha256="commit")
READ = Word(number=1, sha256="bytes")
FAILED = Word(number=1, error="LatentIncomplete")


def plan(fault: Fault, hop: Hop = Hop.READER, keeping: Keeping = Keeping.KEEPS) -> Plan:
    drawn = draw_plan(1, now_ms=1_760_000_000_000)
    strike = replace(drawn.strike, fault=fault, hop=hop)
    return replace(drawn, keeping=keeping, strike=strike)


CUT = plan(Fault.CUT)


def account(published: list[Word], *read: list[Word]) -> Account:
    return Account(published=published, read=read)


def test_same_bytes_at_every_reader_are_committed() -> None:
    told = account([FAILED, PUBLISHED], [READ], [FAILED, READ])
    assert judge(told, TRUTH, CUT).verdict is Verdict.COMMITTED


def test_typed_error_to_all_is_failed() -> None:
    assert judge(account([FAILED], [FAILED], [FAILED]), TRUTH, CUT).verdict is Verdict.FAILED


@pytest.mark.parametrize(
    ("told", "reason"),
    [
        (account([PUBLISHED], [READ], [FAILED]), "some say"),
        (account([FAILED], [READ], [READ]), "some say"),
        (account([PUBLISHED], [replace(READ, sha256="others")], [READ]), "other bytes"),
        (account([PUBLISHED], [replace(READ, sha256="others"), READ], [READ]), "other bytes"),
        (account([replace(PUBLISHED, sha256="others")], [READ], [READ]), "another commit"),
        (account([PUBLISHED], [replace(FAILED, is_typed=False), READ], [READ]), "none of ours"),
        (account([PUBLISHED, PUBLISHED], [READ], [FAILED, READ]), "was lost"),
    ],
)
def test_anything_else_is_a_violation_that_says_why(told: Account, reason: str) -> None:
    judgement = judge(told, TRUTH, CUT)
    assert judgement.verdict is Verdict.VIOLATION
    assert reason in judgement.reason


def test_only_a_store_that_forgets_or_is_fed_other_bytes_may_lose_what_was_acknowledged() -> None:
    assert may_take_back(plan(Fault.KILL_STORE, keeping=Keeping.FORGETS))
    assert may_take_back(plan(Fault.FLIP, Hop.STORE))
    assert all(may_take_back(plan(Fault.KILL_PRIMARY, keeping=each)) for each in Keeping)
    assert not may_take_back(plan(Fault.KILL_STORE, keeping=Keeping.KEEPS))
    assert not may_take_back(plan(Fault.KILL_BROKER, keeping=Keeping.FORGETS))
    assert not may_take_back(plan(Fault.FLIP, Hop.PUBLISHER))
    assert not may_take_back(plan(Fault.CUT, Hop.STORE))


def test_what_a_primary_took_with_it_is_failed_once_all_have_been_told() -> None:
    lost = plan(Fault.KILL_PRIMARY, keeping=Keeping.FORGETS)
    told_to_all = account([PUBLISHED, FAILED], [READ, FAILED], [FAILED])
    told_to_one = account([PUBLISHED, FAILED], [READ], [FAILED])
    assert judge(told_to_all, TRUTH, lost).verdict is Verdict.FAILED
    assert judge(told_to_one, TRUTH, lost).verdict is Verdict.VIOLATION
    assert judge(told_to_all, TRUTH, CUT).verdict is Verdict.VIOLATION


def test_seed_draws_the_same_plan_again() -> None:
    now_ms = 1_760_000_000_000
    assert draw_plan(7, now_ms) == draw_plan(7, now_ms)
    assert draw_plan(7, now_ms) != draw_plan(8, now_ms)
    first = draw_plan(7, now_ms).recipes[0]
    assert first.make() == first.make()


def test_plans_come_to_every_fault_on_every_hop_and_way() -> None:
    strikes: list[Strike] = [draw_plan(seed, 1_760_000_000_000).strike for seed in range(1, 1500)]
    drawn = {(strike.fault, strike.hop, strike.direction) for strike in strikes}
    assert len(drawn) == len(FAULTS[Stand.VALKEY]) * len(Hop) * len(Direction)


@pytest.mark.parametrize("stand", [Stand.SENTINELS, Stand.CLUSTER])
def test_primary_is_killed_wherever_a_byte_can_be_seen_to_come_by(stand: Stand) -> None:
    strikes = [draw_plan(seed, 1_760_000_000_000, stand).strike for seed in range(1, 100)]
    drawn = {(strike.fault, strike.hop) for strike in strikes}
    assert drawn == {(Fault.KILL_PRIMARY, Hop.PUBLISHER), (Fault.KILL_PRIMARY, Hop.READER)}
