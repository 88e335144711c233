"""LatentStore on Redis: each step one script, each read one command."""

import asyncio
from collections.abc import Sequence
from typing import cast

from redis.typing import EncodableT, KeyT, StreamIdT

from latentflow.errors import UnknownLatent
from latentflow.latent import Commit, LatentId, LatentState, Tenant
from latentflow.relay import Receipt, UseCall
from services.broker.admission import (
    accept_repeated_abort,
    accept_repeated_commit,
    refuse_frame,
    require_noted,
    resume,
)
from services.broker.keys import latent_keys, made_key
from services.broker.lifecycle import MAX_RECEIPTS, READING_MS, TOMBSTONE_MS
from services.broker.record import (
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
from services.broker.redis_store.connection import Connections
from services.broker.redis_store.fields import (
    as_fields,
    as_text,
    before,
    commit_pairs,
    only_stream,
    pairs,
    to_entries,
    to_receipts,
    to_record,
)
from services.broker.redis_store.listing import Listings
from services.broker.redis_store.report import store_report
from services.broker.redis_store.scripts import script
from services.broker.store import READ_ENTRIES


class RedisLatents:
    """See `store.LatentStore`."""

    def __init__(self, connections: Connections, limits: UploadLimits) -> None:
        self._commands = connections.commands
        self._followers = connections.followers
        self._limits = limits
        self._listings = Listings(connections.commands)
        self._open = script(connections.commands, "open")
        self._store = script(connections.commands, "store")
        self._append = script(connections.commands, "append")
        self._commit = script(connections.commands, "commit")
        self._abort = script(connections.commands, "abort")
        self._revoke = script(connections.commands, "revoke")
        self._renew = script(connections.commands, "renew")
        self._note = script(connections.commands, "note")

    async def open(self, ref: LatentRef, opening: Opening, *, now_ms: int) -> LatentRecord:
        lease_until_ms = now_ms + self._limits.lease_ms
        args: list[EncodableT] = [
            now_ms,
            *_opening_args(opening),
            lease_until_ms,
            opening.expires_ms + TOMBSTONE_MS,
            lease_until_ms + READING_MS,
        ]
        fields, _ = await asyncio.gather(
            self._open(keys=_both_keys(ref), args=args),
            self._listings.add(ref, opening, now_ms=now_ms),
        )
        return resume(to_record(ref, pairs(fields)), opening, now_ms)

    async def store(
        self, ref: LatentRef, opening: Opening, stream: StoredStream, *, now_ms: int
    ) -> LatentRecord | None:
        commit = stream.commit
        if commit.payload_bytes > self._limits.latent_bytes:
            return None
        args: list[EncodableT] = [
            *_opening_args(opening),
            now_ms + self._limits.lease_ms,
            opening.expires_ms + TOMBSTONE_MS,
            opening.expires_ms + READING_MS,
            commit.payload_bytes,
            commit.frames,
        ]
        for frame in stream.frames:
            args += [frame.encoded, frame.payload_bytes]
        args += commit_pairs(commit)
        fields, _ = await asyncio.gather(
            self._store(keys=_both_keys(ref), args=args),
            self._listings.add(ref, opening, now_ms=now_ms),
        )
        return to_record(ref, pairs(fields)) if fields else None

    async def append(self, ref: LatentRef, frames: Sequence[StoredFrame], *, now_ms: int) -> None:
        lease_until_ms = now_ms + self._limits.lease_ms
        args: list[EncodableT] = [
            now_ms,
            self._limits.latent_bytes,
            lease_until_ms,
            lease_until_ms + READING_MS,
        ]
        for frame in frames:
            args += [frame.index, frame.encoded, frame.payload_bytes]
        reply = await self._append(keys=_both_keys(ref), args=args)
        if not reply[0]:
            _, place, fields, taken = reply
            record, limits = _known(ref, fields), self._limits
            refuse_frame(record, frames[place], limits, is_index_taken=bool(taken), now_ms=now_ms)

    async def commit(self, ref: LatentRef, commit: Commit, *, now_ms: int) -> LatentRecord:
        _, fields = await self._commit(
            keys=_both_keys(ref),
            args=[
                commit.frames,
                commit.payload_bytes,
                now_ms,
                READING_MS,
                *commit_pairs(commit),
            ],
        )
        # Also when it was closed just now: what the store has is what the publisher may rely on.
        return accept_repeated_commit(_known(ref, fields), commit, now_ms)

    async def abort(self, ref: LatentRef, problem: str, *, now_ms: int) -> None:
        closed, fields = await self._abort(
            keys=_both_keys(ref), args=["", now_ms + READING_MS, problem]
        )
        record = _known(ref, fields)
        if not closed:
            accept_repeated_abort(record, now_ms)

    async def abandon(self, record: LatentRecord) -> None:
        until_ms = record.opening.expires_ms
        await self._abort(keys=_both_keys(record.ref), args=[record.lease_until_ms, until_ms])

    async def revoke(self, ref: LatentRef) -> None:
        known = await self._revoke(keys=_both_keys(ref))
        if not known:
            raise UnknownLatent(latent_id=ref.latent_id)

    async def find(self, ref: LatentRef) -> LatentRecord:
        fields = as_fields(await self._commands.ask("HGETALL", latent_keys(ref).record))
        if not fields:
            raise UnknownLatent(latent_id=ref.latent_id)
        return to_record(ref, fields)

    async def look(
        self, ref: LatentRef, *, first_frame: int, most_entries: int = READ_ENTRIES
    ) -> Glance:
        keys = latent_keys(ref)
        async with self._commands.turn() as redis:
            pipeline = redis.pipeline(transaction=False)
            pipeline.hgetall(keys.record)
            pipeline.xread({keys.frames: before(first_frame)}, count=most_entries)
            fields, reply = await pipeline.execute()
        if not fields:
            raise UnknownLatent(latent_id=ref.latent_id)
        return Glance(to_record(ref, as_fields(fields)), to_entries(only_stream(reply)))

    async def read(
        self,
        ref: LatentRef,
        *,
        first_frame: int,
        wait_ms: int,
        most_entries: int = READ_ENTRIES,
    ) -> Sequence[StreamEntry]:
        behind: dict[KeyT, StreamIdT] = {latent_keys(ref).frames: before(first_frame)}
        async with self._commands.turn() as redis:
            reply = await redis.xread(behind, count=most_entries)
        if not reply and wait_ms:
            async with self._followers.turn(wait_ms=wait_ms) as redis:
                reply = await redis.xread(behind, count=most_entries, block=wait_ms)
        return to_entries(only_stream(reply))

    async def page(self, listing: Listing, *, now_ms: int) -> Page:
        return await self._listings.page(listing, now_ms=now_ms)

    async def hold(self, ref: LatentRef, *, until_ms: int) -> None:
        await self._commands.ask("PEXPIREAT", latent_keys(ref).frames, until_ms, "GT")

    async def renew(self, ref: LatentRef, *, expires_ms: int, now_ms: int) -> LatentRecord:
        keys = latent_keys(ref)
        fields = await self._renew(
            keys=[keys.record, keys.frames, keys.receipts],
            args=[now_ms, expires_ms, READING_MS, TOMBSTONE_MS],
        )
        record = _known(ref, fields)
        if record.state is LatentState.COMMITTED:
            await self._listings.add(ref, record.opening, now_ms=now_ms)
        return record

    async def note(self, call: UseCall, tenant: Tenant, *, now_ms: int) -> None:
        keys = latent_keys(LatentRef(tenant=tenant, latent_id=call.latent_id))
        noted = await self._note(
            keys=[keys.record, keys.receipts], args=[use_of(call), now_ms, MAX_RECEIPTS]
        )
        require_noted(int(noted), call)

    async def receipts(self, ref: LatentRef) -> Sequence[Receipt]:
        async with self._commands.turn() as redis:
            noted = await redis.zrange(latent_keys(ref).receipts, 0, -1, withscores=True)
        return to_receipts(cast(Sequence[tuple[bytes, float]], noted))

    async def remember(self, content: ContentRef, latent_id: LatentId, *, until_ms: int) -> None:
        await self._commands.ask("SET", made_key(content), latent_id, "PXAT", until_ms)

    async def recall(self, content: ContentRef) -> LatentId | None:
        made = await self._commands.ask("GET", made_key(content))
        return None if made is None else LatentId(as_text(made))

    async def inspect(self, *, now_ms: int) -> StoreReport:
        return await store_report(self._commands, now_ms=now_ms)


def _opening_args(opening: Opening) -> Sequence[EncodableT]:
    return [opening.manifest, opening.flow, opening.created_ms, opening.expires_ms]


def _both_keys(ref: LatentRef) -> list[str]:
    keys = latent_keys(ref)
    return [keys.record, keys.frames]


def _known(ref: LatentRef, flat: Sequence[bytes]) -> LatentRecord:
    if not flat:
        raise UnknownLatent(latent_id=ref.latent_id)
    return to_record(ref, pairs(flat))
