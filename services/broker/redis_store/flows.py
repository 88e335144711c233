"""FlowStore on Redis: one stream a flow, with its consumer groups."""

from collections.abc import Sequence

from redis.exceptions import ResponseError
from redis.typing import KeyT, StreamIdT

from latentflow.errors import UnknownFlow
from latentflow.latent import LatentId
from services.broker.keys import ANNOUNCED, announced_key
from services.broker.lifecycle import LONGEST_KEPT_MS
from services.broker.record import Announcement, DeliveryId, FlowRef, GroupMember
from services.broker.redis_store.client import Client, script
from services.broker.redis_store.connection import Connections
from services.broker.redis_store.fields import Entries, as_text, only_stream

READ_ANNOUNCEMENTS = 32
_BEGINNING = "0-0"


class RedisFlows:
    """See `store.FlowStore`."""

    def __init__(self, connections: Connections) -> None:
        self._commands = connections.commands
        self._followers = connections.followers
        self._announce = script(self._commands.client, "announce")

    async def announce(self, flow: FlowRef, latent_id: LatentId) -> None:
        async with self._commands.turn():
            await self._announce(
                keys=[announced_key(flow)], args=[latent_id, ANNOUNCED, LONGEST_KEPT_MS]
            )

    async def newest(self, flow: FlowRef) -> DeliveryId:
        async with self._commands.turn() as redis:
            last = await redis.xrevrange(announced_key(flow), count=1)
        return DeliveryId(as_text(last[0][0]) if last else _BEGINNING)

    async def follow(
        self, flow: FlowRef, *, after: DeliveryId, wait_ms: int
    ) -> Sequence[Announcement]:
        behind: dict[KeyT, StreamIdT] = {announced_key(flow): after}
        async with self._followers.turn(wait_ms=wait_ms) as redis:
            reply = await redis.xread(behind, count=READ_ANNOUNCEMENTS, block=wait_ms)
        return _announcements(only_stream(reply))

    async def join(self, member: GroupMember) -> None:
        key = announced_key(member.flow)
        async with self._commands.turn() as redis:
            await _make_group(redis, key, member.group)
            await redis.pexpire(key, LONGEST_KEPT_MS)

    async def pending(self, member: GroupMember, *, after: DeliveryId) -> Sequence[Announcement]:
        async with self._commands.turn() as redis:
            entries = await _read_group(redis, member, after)
            trimmed = [entry_id for entry_id, fields in entries if not fields]
            if trimmed:
                await redis.xack(announced_key(member.flow), member.group, *trimmed)
        if trimmed and len(trimmed) == len(entries):
            return await self.pending(member, after=after)
        return _announcements(entries)

    async def claim(self, member: GroupMember, *, idle_ms: int) -> Sequence[Announcement]:
        cursor = _BEGINNING
        while True:
            async with self._commands.turn() as redis:
                cursor, entries = await _claim_some(redis, member, idle_ms, cursor)
            if entries or cursor == _BEGINNING:
                return _announcements(entries)

    async def receive(self, member: GroupMember, *, wait_ms: int) -> Sequence[Announcement]:
        async with self._followers.turn(wait_ms=wait_ms) as redis:
            return _announcements(await _read_group(redis, member, ">", wait_ms))

    async def acknowledge(
        self, flow: FlowRef, group: str, delivery_ids: Sequence[DeliveryId]
    ) -> int:
        key = announced_key(flow)
        async with self._commands.turn() as redis:
            if not await redis.exists(key):
                raise UnknownFlow(flow=flow.flow)
            return await redis.xack(key, group, *delivery_ids)


async def _make_group(redis: Client, key: str, group: str) -> None:
    """A new group begins with the oldest announcement kept."""
    try:
        await redis.xgroup_create(key, group, id=_BEGINNING, mkstream=True)
    except ResponseError as error:
        if not str(error).startswith("BUSYGROUP"):
            raise


async def _read_group(
    redis: Client, member: GroupMember, behind: str, wait_ms: int | None = None
) -> Entries:
    streams: dict[KeyT, StreamIdT] = {announced_key(member.flow): behind}
    reply = await redis.xreadgroup(
        member.group, member.consumer, streams, count=READ_ANNOUNCEMENTS, block=wait_ms
    )
    return only_stream(reply)


async def _claim_some(
    redis: Client, member: GroupMember, idle_ms: int, cursor: str
) -> tuple[str, Entries]:
    key = announced_key(member.flow)
    reply = await redis.xautoclaim(
        key, member.group, member.consumer, idle_ms, cursor, count=READ_ANNOUNCEMENTS
    )
    return as_text(reply[0]), reply[1]


def _announcements(entries: Entries) -> Sequence[Announcement]:
    return [
        Announcement(
            delivery_id=DeliveryId(as_text(entry_id)),
            latent_id=LatentId(as_text(fields[b"latent"])),
        )
        for entry_id, fields in entries
        if fields
    ]
