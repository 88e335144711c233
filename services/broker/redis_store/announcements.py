"""A flow's stream entries, to and from announcements."""

from collections.abc import Sequence

from redis.typing import EncodableT

from latentflow.latent import FlowName, LatentId
from latentflow.relay import DeadLetter
from services.broker.record import Announcement, DeliveryId, Exhausted
from services.broker.redis_store.fields import Entries, Fields, as_text, pairs

# An entry as a script returns it.
RawEntry = tuple[bytes, Sequence[bytes]]


def to_fields(latent_id: LatentId, letter: DeadLetter | None) -> Sequence[EncodableT]:
    """Flat: each name, then its value."""
    latent: Sequence[EncodableT] = ["latent", latent_id]
    if letter is None:
        return latent
    return [
        *latent,
        *("flow", letter.flow),
        *("group", letter.group),
        *("deliveries", letter.deliveries),
        *("reason", letter.reason),
    ]


def to_announcements(entries: Entries) -> Sequence[Announcement]:
    return [to_announcement(entry_id, fields) for entry_id, fields in entries if fields]


def to_announcement(entry_id: bytes, fields: Fields) -> Announcement:
    return Announcement(
        delivery_id=DeliveryId(as_text(entry_id)),
        latent_id=LatentId(fields[b"latent"].decode()),
        dead_letter=_to_letter(fields) if b"reason" in fields else None,
    )


def from_script(entry: RawEntry) -> Announcement:
    entry_id, flat = entry
    return to_announcement(entry_id, pairs(flat))


def to_exhausted(entry: RawEntry, consumer: bytes, idle_ms: int, deliveries: int) -> Exhausted:
    return Exhausted(
        announcement=from_script(entry),
        consumer=consumer.decode(),
        deliveries=deliveries,
        idle_ms=idle_ms,
    )


def _to_letter(fields: Fields) -> DeadLetter:
    return DeadLetter(
        flow=FlowName(fields[b"flow"].decode()),
        group=fields[b"group"].decode(),
        deliveries=int(fields[b"deliveries"]),
        reason=fields[b"reason"].decode(),
    )
