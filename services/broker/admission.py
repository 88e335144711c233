"""Which step of an upload is admitted, as pure functions of the record and the clock.

The in-memory store decides with them; the Redis scripts make the same decisions atomically, and
what they refuse is explained here. No effect happens here.
"""

from typing import NoReturn

from latentflow.errors import (
    FrameOutOfOrder,
    InvalidInput,
    LatentClosed,
    LatentExists,
    LatentExpired,
    LatentIncomplete,
    LatentRevoked,
    QuotaExceeded,
    StreamMismatch,
    UnknownLatent,
)
from latentflow.latent import MAX_LIFETIME_SECONDS, Commit, LatentState
from latentflow.relay import UseCall
from services.broker.lifecycle import (
    LONGEST_LIFE_MS,
    has_expired,
    require_unexpired,
    state_at,
)
from services.broker.record import LatentRecord, LatentRef, Opening, StoredFrame, UploadLimits


def takes_steps(record: LatentRecord, now_ms: int) -> bool:
    """Whether its publisher may go on."""
    return state_at(record, now_ms) is LatentState.OPEN and not has_expired(record, now_ms)


def takes_frame(
    record: LatentRecord, frame: StoredFrame, limits: UploadLimits, now_ms: int
) -> bool:
    """Whether `frame` is the next one of an upload that goes on, and within its limit."""
    return (
        takes_steps(record, now_ms)
        and frame.index == record.frames
        and record.payload_bytes + frame.payload_bytes <= limits.latent_bytes
    )


def takes_commit(record: LatentRecord, commit: Commit, now_ms: int) -> bool:
    """Whether `commit` closes exactly the frames that are stored."""
    counts = (commit.frames, commit.payload_bytes)
    return takes_steps(record, now_ms) and counts == (record.frames, record.payload_bytes)


def require_lifetime(ref: LatentRef, opening: Opening, now_ms: int) -> None:
    """Raises LatentExpired, or InvalidInput when it expires later than any latent may."""
    if now_ms >= opening.expires_ms:
        raise LatentExpired(latent_id=ref.latent_id, expired_ms=opening.expires_ms)
    if opening.expires_ms - now_ms > LONGEST_LIFE_MS:
        raise InvalidInput(
            field="expire_time", problem=f"must be within {MAX_LIFETIME_SECONDS} s from now"
        )


def require_steps_taken(record: LatentRecord, now_ms: int) -> None:
    """Raises LatentExpired or LatentClosed unless its publisher may go on."""
    require_unexpired(record, now_ms)
    state = state_at(record, now_ms)
    if state is not LatentState.OPEN:
        raise LatentClosed(latent_id=record.ref.latent_id, state=state)


def resume(record: LatentRecord, opening: Opening, now_ms: int) -> LatentRecord:
    """The record that an `opening` found, when its publisher may go on or already has committed.

    Raises LatentExists when the id is taken by another manifest, LatentExpired or LatentClosed.
    """
    if record.opening.manifest != opening.manifest:
        raise LatentExists(latent_id=record.ref.latent_id)
    if record.state is not LatentState.COMMITTED:
        require_steps_taken(record, now_ms)
    require_unexpired(record, now_ms)
    return record


def refuse_frame(
    record: LatentRecord,
    frame: StoredFrame,
    limits: UploadLimits,
    *,
    is_index_taken: bool,
    now_ms: int,
) -> NoReturn:
    """Says why `frame` was neither taken nor stored already.

    Raises LatentExpired, LatentClosed, LatentExists (its index holds other content),
    FrameOutOfOrder or QuotaExceeded.
    """
    require_steps_taken(record, now_ms)
    if is_index_taken:
        raise LatentExists(latent_id=record.ref.latent_id)
    if frame.index != record.frames:
        raise FrameOutOfOrder(index=frame.index, expected=record.frames)
    raise QuotaExceeded(
        quota="latent_bytes", limit=limits.latent_bytes, retry_after_seconds=limits.lease_ms / 1000
    )


def accept_repeated_commit(record: LatentRecord, commit: Commit, now_ms: int) -> LatentRecord:
    """The record when `commit`, which was not taken, is the one that closed it before.

    Raises StreamMismatch naming what differs, LatentExpired, LatentClosed, or LatentIncomplete
    when frames that were acknowledged are gone.
    """
    if record.state is LatentState.COMMITTED and record.commit is not None:
        require_same_commit(record.commit, commit)
        _require_same("signature", record.commit.signature, commit.signature)
        return record
    require_steps_taken(record, now_ms)
    _require_same("frames", record.frames, commit.frames)
    _require_same("payload_bytes", record.payload_bytes, commit.payload_bytes)
    raise LatentIncomplete(latent_id=record.ref.latent_id, frames=record.frames)


def accept_repeated_abort(record: LatentRecord, now_ms: int) -> None:
    """Raises LatentExpired or LatentClosed unless the latent was aborted already."""
    if state_at(record, now_ms) is not LatentState.ABORTED:
        require_steps_taken(record, now_ms)


def require_noted(noted: int, call: UseCall) -> None:
    """Raises UnknownLatent for -1, LatentRevoked for 0: what a store answers that noted nothing."""
    if noted < 0:
        raise UnknownLatent(latent_id=call.latent_id)
    if not noted:
        raise LatentRevoked(latent_id=call.latent_id)


def require_same_commit(stream: Commit, claimed: Commit) -> None:
    """Raises StreamMismatch naming the first field in which `claimed` is not the stream's."""
    _require_same("frames", stream.frames, claimed.frames)
    _require_same("payload_bytes", stream.payload_bytes, claimed.payload_bytes)
    _require_same("sha256", stream.sha256, claimed.sha256)


def _require_same(field: str, stream: object, claimed: object) -> None:
    if stream != claimed:
        raise StreamMismatch(field=field, expected=str(claimed), actual=str(stream))
