"""A tenant's listings on Redis: sorted sets, pruned whenever they are written or read."""

import asyncio
from collections.abc import Sequence

from redis.typing import EncodableT

from services.broker.keys import latent_keys, listing_keys
from services.broker.lifecycle import LONGEST_KEPT_MS, has_expired
from services.broker.listing import latent_of, member, require_token
from services.broker.record import LatentRecord, LatentRef, Listing, Opening, Page
from services.broker.redis_store.client import Client
from services.broker.redis_store.connection import Lane
from services.broker.redis_store.fields import Fields, as_text, to_record
from services.broker.redis_store.scripts import script


class Listings:
    """The listings of every tenant and of every flow."""

    def __init__(self, commands: Lane) -> None:
        self._commands = commands
        self._list = script(commands, "list")

    async def add(self, ref: LatentRef, opening: Opening, *, now_ms: int) -> None:
        """Adds a latent to its tenant's and its flow's listing, until it expires.

        Also done for an opening that is refused: who reads a page drops what has no such record.
        """
        args: list[EncodableT] = [
            member(ref, opening),
            opening.expires_ms,
            now_ms,
            LONGEST_KEPT_MS,
        ]
        await asyncio.gather(
            self._list(keys=listing_keys(ref.tenant, None), args=args),
            self._list(keys=listing_keys(ref.tenant, opening.flow), args=args),
        )

    async def page(self, listing: Listing, *, now_ms: int) -> Page:
        """One page. Members whose latents are gone or expired are removed on the way."""
        require_token(listing.after)
        async with self._commands.turn() as redis:
            return await _page(redis, listing, now_ms)


async def _page(redis: Client, listing: Listing, now_ms: int) -> Page:
    members = await _members(redis, listing)
    shown = members[: listing.page_size]
    records = await _records(redis, listing, shown)
    alive = {
        listed: record
        for listed, record in zip(shown, records, strict=True)
        if record is not None and _belongs(record, listed, listing, now_ms)
    }
    await _forget(redis, listing, [listed for listed in shown if listed not in alive])
    return Page(
        records=tuple(alive.values()),
        next_token=shown[-1] if len(members) > len(shown) else "",
    )


async def _members(redis: Client, listing: Listing) -> Sequence[str]:
    """One more than the page takes, which tells whether another page follows."""
    found = await redis.zrange(
        listing_keys(listing.tenant, listing.flow)[0],
        f"({listing.after}" if listing.after else "+",
        "-",
        desc=True,
        bylex=True,
        offset=0,
        num=listing.page_size + 1,
    )
    return [as_text(listed) for listed in found]


async def _records(
    redis: Client, listing: Listing, members: Sequence[str]
) -> Sequence[LatentRecord | None]:
    refs = [LatentRef(tenant=listing.tenant, latent_id=latent_of(listed)) for listed in members]
    pipeline = redis.pipeline(transaction=False)
    for ref in refs:
        pipeline.hgetall(latent_keys(ref).record)
    hashes: Sequence[Fields] = await pipeline.execute()
    return [
        to_record(ref, fields) if fields else None for ref, fields in zip(refs, hashes, strict=True)
    ]


async def _forget(redis: Client, listing: Listing, members: Sequence[str]) -> None:
    if members:
        for key in listing_keys(listing.tenant, listing.flow):
            await redis.zrem(key, *members)


def _belongs(record: LatentRecord, listed: str, listing: Listing, now_ms: int) -> bool:
    return (
        not has_expired(record, now_ms)
        and listed == member(record.ref, record.opening)
        and listing.flow in (None, record.opening.flow)
    )
