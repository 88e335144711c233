"""A latent's hash and stream entries, to and from the broker's values."""

from collections.abc import Mapping, Sequence
from typing import cast

from latentflow.latent import Commit, Digest, FlowName, LatentState
from latentflow.protection import Signature
from latentflow.relay import Receipt
from services.broker.record import (
    BETWEEN_NAMES,
    LatentRecord,
    LatentRef,
    Opening,
    StoredFrame,
    StreamEntry,
)

Fields = Mapping[bytes, bytes]
# Ids with their fields; an entry that was deleted since has none.
Entries = Sequence[tuple[bytes, Fields]]

_FRAME, _ENDED = b"1-", b"3-"


def before(first_frame: int) -> str:
    """The entry id behind which the frames from `first_frame` on are."""
    return f"1-{first_frame - 1}" if first_frame else "0-0"


def as_fields(reply: object) -> Fields:
    """A hash as redis-py returns it; its types allow for text, which is not asked for here."""
    return cast(Fields, reply)


def as_text(reply: object) -> str:
    """An id or a sorted set's member as redis-py returns it, likewise."""
    return cast(bytes, reply).decode()


def pairs(flat: Sequence[bytes]) -> Fields:
    """A hash as a script returns it."""
    return dict(zip(flat[::2], flat[1::2], strict=True))


def to_record(ref: LatentRef, fields: Fields) -> LatentRecord:
    problem = fields.get(b"problem")
    return LatentRecord(
        ref=ref,
        opening=Opening(
            manifest=fields[b"manifest"],
            flow=FlowName(fields[b"flow"].decode()),
            created_ms=int(fields[b"created_ms"]),
            expires_ms=int(fields[b"expires_ms"]),
        ),
        lease_until_ms=int(fields[b"lease_until_ms"]),
        state=LatentState(fields[b"state"].decode()),
        frames=int(fields[b"frames"]),
        payload_bytes=int(fields[b"payload_bytes"]),
        commit=_to_commit(fields) if b"sha256" in fields else None,
        problem=None if problem is None else problem.decode(),
    )


def to_receipts(noted: Sequence[tuple[bytes, float]]) -> Sequence[Receipt]:
    """In their order, oldest first."""
    return [_to_receipt(use.decode(), int(at_ms)) for use, at_ms in noted]


def _to_receipt(use: str, at_ms: int) -> Receipt:
    reader, _, generation = use.partition(BETWEEN_NAMES)
    return Receipt(reader=reader, generation=generation, at_ms=at_ms)


def to_entries(entries: Entries) -> Sequence[StreamEntry]:
    """What there is to relay: the entry that ends a latent without a commit only wakes readers."""
    return [
        _to_frame(entry_id, fields) if entry_id.startswith(_FRAME) else _to_commit(fields)
        for entry_id, fields in entries
        if not entry_id.startswith(_ENDED)
    ]


def _to_frame(entry_id: bytes, fields: Fields) -> StoredFrame:
    return StoredFrame(
        index=int(entry_id.removeprefix(_FRAME)),
        payload_bytes=int(fields[b"bytes"]),
        encoded=fields[b"frame"],
    )


def commit_pairs(commit: Commit) -> Sequence[str]:
    """Names and values of what a commit says beside its counts."""
    if commit.signature is None:
        return ("sha256", commit.sha256)
    signature = commit.signature
    return ("sha256", commit.sha256, "signer", signature.key_id, "signature", signature.ed25519)


def _to_commit(fields: Fields) -> Commit:
    return Commit(
        frames=int(fields[b"frames"]),
        payload_bytes=int(fields[b"payload_bytes"]),
        sha256=Digest(fields[b"sha256"].decode()),
        signature=_to_signature(fields) if b"signature" in fields else None,
    )


def _to_signature(fields: Fields) -> Signature:
    return Signature(key_id=fields[b"signer"].decode(), ed25519=fields[b"signature"].decode())


def only_stream(reply: object) -> Entries:
    """The entries of a read of one stream."""
    streams = cast(Sequence[tuple[bytes, Entries]], reply)
    return streams[0][1] if streams else ()
