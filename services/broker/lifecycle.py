"""A latent's life as pure functions of its record and the clock: what it is now, who may read it.

Nothing needs to write an expiry or an abandoned upload down for all readers to agree on it. What
an upload's next step may be is `admission`'s.
"""

from latentflow.errors import LatentExpired, LatentFailed, LatentIncomplete, LatentRevoked
from latentflow.latent import MAX_LIFETIME_SECONDS, LatentState
from services.broker.record import LatentRecord

CLOCK_SKEW_MS = 60_000
# Kept after its expiry: the frames for readers that began before, the record to tell an expired
# latent from one that never was.
READING_MS = 60_000
TOMBSTONE_MS = 3_600_000
LONGEST_LIFE_MS = MAX_LIFETIME_SECONDS * 1000 + CLOCK_SKEW_MS
LONGEST_KEPT_MS = LONGEST_LIFE_MS + TOMBSTONE_MS
# Uses kept of one latent, the newest: with the longest names they fit into one answer.
MAX_RECEIPTS = 4_000


def has_expired(record: LatentRecord, now_ms: int) -> bool:
    return now_ms >= record.opening.expires_ms


def is_abandoned(record: LatentRecord, now_ms: int) -> bool:
    """Whether its upload stopped without a commit."""
    return record.state is LatentState.OPEN and now_ms > record.lease_until_ms


def state_at(record: LatentRecord, now_ms: int) -> LatentState:
    return LatentState.ABORTED if is_abandoned(record, now_ms) else record.state


def is_available(record: LatentRecord, now_ms: int) -> bool:
    """Whether it is complete and may be used."""
    return record.state is LatentState.COMMITTED and not has_expired(record, now_ms)


def require_unexpired(record: LatentRecord, now_ms: int) -> None:
    """Raises LatentExpired."""
    if has_expired(record, now_ms):
        raise LatentExpired(latent_id=record.ref.latent_id, expired_ms=record.opening.expires_ms)


def require_readable(record: LatentRecord, now_ms: int) -> None:
    """Raises LatentRevoked, LatentExpired, LatentFailed or LatentIncomplete."""
    latent_id = record.ref.latent_id
    if record.state is LatentState.REVOKED:
        raise LatentRevoked(latent_id=latent_id)
    require_unexpired(record, now_ms)
    if state_at(record, now_ms) is not LatentState.ABORTED:
        return
    if record.problem is None:
        raise LatentIncomplete(latent_id=latent_id, frames=record.frames)
    raise LatentFailed(latent_id=latent_id, problem=record.problem)


def next_look_ms(record: LatentRecord, now_ms: int, longest_ms: int) -> int:
    """How long a reader may wait for the next frame before it has to judge the record again."""
    turning_ms = min(record.lease_until_ms + 1, record.opening.expires_ms)
    return max(1, min(turning_ms - now_ms, longest_ms))
