"""What a latent is at a moment, and who may read it then."""

from dataclasses import replace

import pytest

from latentflow.errors import (
    LatentExpired,
    LatentFailed,
    LatentFlowError,
    LatentIncomplete,
    LatentRevoked,
)
from latentflow.latent import FlowName, LatentId, LatentState, Tenant
from services.broker.lifecycle import is_available, next_look_ms, require_readable, state_at
from services.broker.record import LatentRecord, LatentRef, Opening

LEASE_UNTIL_MS = 1_000
EXPIRES_MS = 5_000

OPEN = LatentRecord(
    ref=LatentRef(tenant=Tenant("acme"), latent_id=LatentId("0" * 26)),
    opening=Opening(
        manifest=b"manifest", flow=FlowName("memos"), created_ms=0, expires_ms=EXPIRES_MS
    ),
    lease_until_ms=LEASE_UNTIL_MS,
    frames=3,
)
COMMITTED = replace(OPEN, state=LatentState.COMMITTED)
FAILED = replace(OPEN, state=LatentState.ABORTED, problem="SHARER_FAILED")
ABANDONED = replace(OPEN, state=LatentState.ABORTED)
REVOKED = replace(OPEN, state=LatentState.REVOKED)


@pytest.mark.parametrize(
    ("record", "now_ms", "state"),
    [
        (OPEN, LEASE_UNTIL_MS, LatentState.OPEN),
        (OPEN, LEASE_UNTIL_MS + 1, LatentState.ABORTED),
        (COMMITTED, LEASE_UNTIL_MS + 1, LatentState.COMMITTED),
        (REVOKED, LEASE_UNTIL_MS + 1, LatentState.REVOKED),
    ],
)
def test_only_an_open_latent_is_abandoned_by_its_lease(
    record: LatentRecord, now_ms: int, state: LatentState
) -> None:
    assert state_at(record, now_ms) is state


@pytest.mark.parametrize("record", [OPEN, COMMITTED])
def test_open_and_committed_latents_are_readable(record: LatentRecord) -> None:
    require_readable(record, LEASE_UNTIL_MS)


@pytest.mark.parametrize(
    ("record", "now_ms", "error"),
    [
        (OPEN, LEASE_UNTIL_MS + 1, LatentIncomplete),
        (OPEN, EXPIRES_MS, LatentExpired),
        (COMMITTED, EXPIRES_MS, LatentExpired),
        (FAILED, 0, LatentFailed),
        (FAILED, EXPIRES_MS, LatentExpired),
        (ABANDONED, 0, LatentIncomplete),
        (REVOKED, 0, LatentRevoked),
        (REVOKED, EXPIRES_MS, LatentRevoked),
    ],
)
def test_reader_is_told_why_it_gets_nothing(
    record: LatentRecord, now_ms: int, error: type[LatentFlowError]
) -> None:
    with pytest.raises(error):
        require_readable(record, now_ms)


def test_incomplete_latent_says_how_far_it_came() -> None:
    with pytest.raises(LatentIncomplete) as failure:
        require_readable(ABANDONED, 0)
    assert failure.value.frames == 3


@pytest.mark.parametrize(
    ("record", "now_ms", "available"),
    [
        (COMMITTED, EXPIRES_MS - 1, True),
        (COMMITTED, EXPIRES_MS, False),
        (OPEN, 0, False),
        (REVOKED, 0, False),
    ],
)
def test_only_a_committed_latent_is_available(
    record: LatentRecord, now_ms: int, available: bool
) -> None:
    assert is_available(record, now_ms) is available


def test_reader_looks_again_just_after_the_lease_or_at_the_expiry() -> None:
    assert next_look_ms(OPEN, 900, longest_ms=10_000) == 101
    late_lease = replace(OPEN, lease_until_ms=9_000)
    assert next_look_ms(late_lease, 900, longest_ms=10_000) == EXPIRES_MS - 900
    assert next_look_ms(OPEN, 0, longest_ms=50) == 50


def test_reader_never_waits_for_nothing_or_for_ever() -> None:
    """Zero would be without end to Redis."""
    assert next_look_ms(OPEN, EXPIRES_MS * 2, longest_ms=50) == 1
