"""LatentStore in memory: a dictionary, and a condition on which readers wait."""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from latentflow.errors import StoreFull, UnknownLatent
from latentflow.latent import Commit, LatentId, LatentState, Tenant
from latentflow.relay import Receipt, UseCall
from services.broker.admission import (
    accept_repeated_abort,
    accept_repeated_commit,
    refuse_frame,
    require_noted,
    resume,
    takes_commit,
    takes_frame,
    takes_steps,
)
from services.broker.lifecycle import MAX_RECEIPTS, READING_MS, TOMBSTONE_MS, has_expired
from services.broker.listing import member, require_token
from services.broker.record import (
    ClockMs,
    ContentRef,
    Glance,
    LatentRecord,
    LatentRef,
    Listing,
    Opening,
    Page,
    StoredFrame,
    StoredStream,
    StoreReport,
    StreamEntry,
    UploadLimits,
    use_of,
)
from services.broker.store import READ_ENTRIES

RETRY_FULL_SECONDS = 5.0


@dataclass(slots=True)
class _Held:
    record: LatentRecord
    entries: list[StreamEntry] = field(default_factory=list)
    uses: dict[str, Receipt] = field(default_factory=dict)
    until_ms: int = 0

    @property
    def held_bytes(self) -> int:
        return len(self.record.opening.manifest) + self.record.payload_bytes * bool(self.entries)


class _Made(NamedTuple):
    latent_id: LatentId
    until_ms: int


class MemoryLatents:
    """See `store.LatentStore`. Holds at most `capacity_bytes` of manifests and payloads."""

    def __init__(self, *, limits: UploadLimits, capacity_bytes: int, clock_ms: ClockMs) -> None:
        self._limits = limits
        self._capacity_bytes = capacity_bytes
        self._clock_ms = clock_ms
        self._held: dict[LatentRef, _Held] = {}
        self._remembered: dict[ContentRef, _Made] = {}
        self._changed = asyncio.Condition()

    async def open(self, ref: LatentRef, opening: Opening, *, now_ms: int) -> LatentRecord:
        self._forget()
        lease_until_ms = now_ms + self._limits.lease_ms
        held = self._held.get(ref)
        if held is None:
            record = LatentRecord(ref=ref, opening=opening, lease_until_ms=lease_until_ms)
            held = self._keep(_Held(record))
        resume(held.record, opening, now_ms)
        if takes_steps(held.record, now_ms):
            held.record = replace(held.record, lease_until_ms=lease_until_ms)
        return held.record

    async def store(
        self, ref: LatentRef, opening: Opening, stream: StoredStream, *, now_ms: int
    ) -> LatentRecord | None:
        self._forget()
        commit = stream.commit
        if ref in self._held or commit.payload_bytes > self._limits.latent_bytes:
            return None
        record = LatentRecord(
            ref=ref,
            opening=opening,
            lease_until_ms=now_ms + self._limits.lease_ms,
            state=LatentState.COMMITTED,
            frames=commit.frames,
            payload_bytes=commit.payload_bytes,
            commit=commit,
        )
        return self._keep(_Held(record, [*stream.frames, commit])).record

    def _keep(self, held: _Held) -> _Held:
        self._require_room(held.held_bytes)
        self._held[held.record.ref] = held
        return held

    async def append(self, ref: LatentRef, frames: Sequence[StoredFrame], *, now_ms: int) -> None:
        held = self._find(ref)
        for frame in frames:
            self._append_one(held, frame, now_ms)
        await self._wake_readers()

    def _append_one(self, held: _Held, frame: StoredFrame, now_ms: int) -> None:
        record, stored = held.record, _encoded_at(held, frame.index)
        if stored == frame.encoded:
            return
        if not takes_frame(record, frame, self._limits, now_ms):
            taken = stored is not None
            refuse_frame(record, frame, self._limits, is_index_taken=taken, now_ms=now_ms)
        self._require_room(frame.payload_bytes)
        held.entries.append(frame)
        held.record = replace(
            record,
            frames=record.frames + 1,
            payload_bytes=record.payload_bytes + frame.payload_bytes,
            lease_until_ms=now_ms + self._limits.lease_ms,
        )

    async def commit(self, ref: LatentRef, commit: Commit, *, now_ms: int) -> LatentRecord:
        held = self._find(ref)
        if not takes_commit(held.record, commit, now_ms):
            return accept_repeated_commit(held.record, commit, now_ms)
        held.entries.append(commit)
        held.record = replace(held.record, state=LatentState.COMMITTED, commit=commit)
        await self._wake_readers()
        return held.record

    async def abort(self, ref: LatentRef, problem: str, *, now_ms: int) -> None:
        held = self._find(ref)
        if held.record.state is not LatentState.OPEN:
            accept_repeated_abort(held.record, now_ms)
            return
        held.record = replace(held.record, problem=problem)
        await self._end(held, LatentState.ABORTED)

    async def abandon(self, record: LatentRecord) -> None:
        held = self._find(record.ref)
        if held.record == record and record.state is LatentState.OPEN:
            await self._end(held, LatentState.ABORTED)

    async def revoke(self, ref: LatentRef) -> None:
        await self._end(self._find(ref), LatentState.REVOKED)

    async def find(self, ref: LatentRef) -> LatentRecord:
        return self._find(ref).record

    async def look(
        self, ref: LatentRef, *, first_frame: int, most_entries: int = READ_ENTRIES
    ) -> Glance:
        return Glance(self._find(ref).record, self._entries(ref, first_frame, most_entries))

    async def read(
        self,
        ref: LatentRef,
        *,
        first_frame: int,
        wait_ms: int,
        most_entries: int = READ_ENTRIES,
    ) -> Sequence[StreamEntry]:
        with suppress(TimeoutError):
            async with asyncio.timeout(wait_ms / 1000), self._changed:
                await self._changed.wait_for(lambda: self._is_news(ref, first_frame))
        return self._entries(ref, first_frame, most_entries)

    async def page(self, listing: Listing, *, now_ms: int) -> Page:
        require_token(listing.after)
        found = sorted(self._listed(listing, now_ms), key=_member, reverse=True)
        shown = tuple(found[: listing.page_size])
        return Page(records=shown, next_token=_member(shown[-1]) if len(found) > len(shown) else "")

    async def hold(self, ref: LatentRef, *, until_ms: int) -> None:
        if held := self._held.get(ref):
            held.until_ms = max(held.until_ms, until_ms)

    async def renew(self, ref: LatentRef, *, expires_ms: int, now_ms: int) -> LatentRecord:
        held = self._find(ref)
        record, opening = held.record, held.record.opening
        lives = record.state is LatentState.COMMITTED and not has_expired(record, now_ms)
        if lives and expires_ms > opening.expires_ms:
            held.record = replace(record, opening=replace(opening, expires_ms=expires_ms))
        return held.record

    async def note(self, call: UseCall, tenant: Tenant, *, now_ms: int) -> None:
        held = self._find(LatentRef(tenant=tenant, latent_id=call.latent_id))
        if use_of(call) in held.uses:
            return
        require_noted(int(held.record.state is not LatentState.REVOKED), call)
        held.uses[use_of(call)] = Receipt(
            reader=call.reader, generation=call.generation, at_ms=now_ms
        )
        for use in _oldest_first(held.uses)[:-MAX_RECEIPTS]:
            del held.uses[use]

    async def receipts(self, ref: LatentRef) -> Sequence[Receipt]:
        uses = self._held[ref].uses if ref in self._held else {}
        return [uses[use] for use in _oldest_first(uses)]

    async def remember(self, content: ContentRef, latent_id: LatentId, *, until_ms: int) -> None:
        self._remembered = {
            key: made for key, made in self._remembered.items() if made.until_ms > self._clock_ms()
        }
        self._remembered[content] = _Made(latent_id, until_ms)

    async def recall(self, content: ContentRef) -> LatentId | None:
        made = self._remembered.get(content)
        return made.latent_id if made and made.until_ms > self._clock_ms() else None

    async def inspect(self, *, now_ms: int) -> StoreReport:
        return StoreReport(
            servers=("memory",),
            used_bytes=self._used_bytes(),
            limit_bytes=self._capacity_bytes,
        )

    def _find(self, ref: LatentRef) -> _Held:
        held = self._held.get(ref)
        if held is None or self._outlived(held, TOMBSTONE_MS):
            raise UnknownLatent(latent_id=ref.latent_id)
        return held

    def _outlived(self, held: _Held, grace_ms: int) -> bool:
        return self._clock_ms() >= held.record.opening.expires_ms + grace_ms

    def _forget(self) -> None:
        for ref, held in list(self._held.items()):
            if self._outlived(held, READING_MS) and self._clock_ms() >= held.until_ms:
                held.entries.clear()
            if self._outlived(held, TOMBSTONE_MS):
                del self._held[ref]

    def _require_room(self, more_bytes: int) -> None:
        if self._used_bytes() + more_bytes > self._capacity_bytes:
            raise StoreFull(retry_after_seconds=RETRY_FULL_SECONDS)

    def _used_bytes(self) -> int:
        return sum(held.held_bytes for held in self._held.values())

    async def _end(self, held: _Held, state: LatentState) -> None:
        held.entries.clear()
        held.record = replace(held.record, state=state)
        await self._wake_readers()

    async def _wake_readers(self) -> None:
        async with self._changed:
            self._changed.notify_all()

    def _entries(
        self, ref: LatentRef, first_frame: int, most_entries: int
    ) -> Sequence[StreamEntry]:
        held = self._held.get(ref)
        if held is None:
            return ()
        first = min(first_frame, held.record.frames)
        return held.entries[first : first + most_entries]

    def _is_news(self, ref: LatentRef, first_frame: int) -> bool:
        held = self._held.get(ref)
        ended = held is None or held.record.state in (LatentState.ABORTED, LatentState.REVOKED)
        return ended or bool(self._entries(ref, first_frame, 1))

    def _listed(self, listing: Listing, now_ms: int) -> list[LatentRecord]:
        return [
            held.record
            for ref, held in self._held.items()
            if ref.tenant == listing.tenant
            and listing.flow in (None, held.record.opening.flow)
            and not has_expired(held.record, now_ms)
            and (not listing.after or _member(held.record) < listing.after)
        ]


def _encoded_at(held: _Held, index: int) -> bytes | None:
    entries = held.entries[index : index + 1]
    return next((entry.encoded for entry in entries if isinstance(entry, StoredFrame)), None)


def _member(record: LatentRecord) -> str:
    return member(record.ref, record.opening)


def _oldest_first(uses: Mapping[str, Receipt]) -> list[str]:
    return sorted(uses, key=lambda use: (uses[use].at_ms, use))
