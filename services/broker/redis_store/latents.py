"""LatentStore on Redis: each step one script, each read one command."""

from collections.abc import Sequence

from redis.typing import EncodableT, KeyT, StreamIdT

from latentflow.errors import UnknownLatent
from latentflow.latent import Commit
from services.broker.admission import (
    accept_repeated_abort,
    accept_repeated_commit,
    refuse_frame,
    resume,
)
from services.broker.keys import latent_keys
from services.broker.lifecycle import READING_MS, TOMBSTONE_MS
from services.broker.record import (
    LatentRecord,
    LatentRef,
    Listing,
    Opening,
    Page,
    StoredFrame,
    StreamEntry,
    UploadLimits,
)
from services.broker.redis_store.client import script, source
from services.broker.redis_store.connection import Connections, remarks
from services.broker.redis_store.fields import (
    as_fields,
    before,
    only_stream,
    pairs,
    to_entries,
    to_record,
)
from services.broker.redis_store.listing import Listings

# Entries a read takes at once: at most 2 MiB of frames in memory for each reader.
READ_ENTRIES = 8


class RedisLatents:
    """See `store.LatentStore`."""

    def __init__(self, connections: Connections, limits: UploadLimits) -> None:
        self._commands = connections.commands
        self._followers = connections.followers
        self._limits = limits
        self._listings = Listings()
        self._open = source("open")
        self._append = script(self._commands.client, "append")
        self._commit = script(self._commands.client, "commit")
        self._abort = script(self._commands.client, "abort")
        self._revoke = script(self._commands.client, "revoke")

    async def open(self, ref: LatentRef, opening: Opening, *, now_ms: int) -> LatentRecord:
        lease_until_ms = now_ms + self._limits.lease_ms
        async with self._commands.turn() as redis:
            pipeline = redis.pipeline(transaction=False)
            pipeline.eval(
                self._open,
                2,
                *_both_keys(ref),
                now_ms,
                opening.manifest,
                opening.flow,
                opening.created_ms,
                opening.expires_ms,
                lease_until_ms,
                opening.expires_ms + TOMBSTONE_MS,
                lease_until_ms + READING_MS,
            )
            self._listings.add(pipeline, ref, opening, now_ms=now_ms)
            fields, *_ = await pipeline.execute()
        return resume(to_record(ref, pairs(fields)), opening, now_ms)

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
        async with self._commands.turn():
            reply = await self._append(keys=_both_keys(ref), args=args)
        if not reply[0]:
            _, place, fields, taken = reply
            record, limits = _known(ref, fields), self._limits
            refuse_frame(record, frames[place], limits, is_index_taken=bool(taken), now_ms=now_ms)

    async def commit(self, ref: LatentRef, commit: Commit, *, now_ms: int) -> LatentRecord:
        async with self._commands.turn():
            _, fields = await self._commit(
                keys=_both_keys(ref),
                args=[
                    commit.frames,
                    commit.payload_bytes,
                    commit.sha256,
                    now_ms,
                    READING_MS,
                ],
            )
        # Also when it was closed just now: what the store has is what the publisher may rely on.
        return accept_repeated_commit(_known(ref, fields), commit, now_ms)

    async def abort(self, ref: LatentRef, problem: str, *, now_ms: int) -> None:
        async with self._commands.turn():
            closed, fields = await self._abort(
                keys=_both_keys(ref), args=["", now_ms + READING_MS, problem]
            )
        record = _known(ref, fields)
        if not closed:
            accept_repeated_abort(record, now_ms)

    async def abandon(self, record: LatentRecord) -> None:
        until_ms = record.opening.expires_ms
        async with self._commands.turn():
            await self._abort(keys=_both_keys(record.ref), args=[record.lease_until_ms, until_ms])

    async def revoke(self, ref: LatentRef) -> None:
        async with self._commands.turn():
            known = await self._revoke(keys=_both_keys(ref))
        if not known:
            raise UnknownLatent(latent_id=ref.latent_id)

    async def find(self, ref: LatentRef) -> LatentRecord:
        async with self._commands.turn() as redis:
            fields = as_fields(await redis.hgetall(latent_keys(ref).record))
        if not fields:
            raise UnknownLatent(latent_id=ref.latent_id)
        return to_record(ref, fields)

    async def read(
        self, ref: LatentRef, *, first_frame: int, wait_ms: int
    ) -> Sequence[StreamEntry]:
        behind: dict[KeyT, StreamIdT] = {latent_keys(ref).frames: before(first_frame)}
        async with self._commands.turn() as redis:
            reply = await redis.xread(behind, count=READ_ENTRIES)
        if not reply and wait_ms:
            async with self._followers.turn(wait_ms=wait_ms) as redis:
                reply = await redis.xread(behind, count=READ_ENTRIES, block=wait_ms)
        return to_entries(only_stream(reply))

    async def page(self, listing: Listing, *, now_ms: int) -> Page:
        async with self._commands.turn() as redis:
            return await self._listings.page(redis, listing, now_ms=now_ms)

    async def inspect(self) -> Sequence[str]:
        return await remarks(self._commands)


def _both_keys(ref: LatentRef) -> list[str]:
    keys = latent_keys(ref)
    return [keys.record, keys.frames]


def _known(ref: LatentRef, flat: Sequence[bytes]) -> LatentRecord:
    if not flat:
        raise UnknownLatent(latent_id=ref.latent_id)
    return to_record(ref, pairs(flat))
