"""FlowStore on Redis: one stream a flow, with its consumer groups."""

import asyncio
from collections.abc import Sequence
from typing import Any, cast

from redis.exceptions import ResponseError
from redis.typing import EncodableT, KeyT, StreamIdT

from latentflow.errors import UnknownFlow
from latentflow.latent import LatentId, Tenant
from latentflow.relay import DeadLetter, FlowInfo
from services.broker.keys import announced_key
from services.broker.lifecycle import LONGEST_KEPT_MS
from services.broker.record import Announcement, Claimed, DeliveryId, FlowRef, GroupMember
from services.broker.redis_store.announcements import (
    from_script,
    to_announcements,
    to_exhausted,
    to_fields,
)
from services.broker.redis_store.client import Client
from services.broker.redis_store.connection import Connections
from services.broker.redis_store.fields import as_text, only_stream
from services.broker.redis_store.flow_index import FlowIndex
from services.broker.redis_store.scripts import Script, script
from services.broker.retention import FOR_GROUPS, USUAL, Retentions

READ_ANNOUNCEMENTS = 32
_BEGINNING = "0-0"


class RedisFlows:
    """See `store.FlowStore`."""

    def __init__(self, connections: Connections, retentions: Retentions = USUAL) -> None:
        self._retentions = retentions
        self._commands = connections.commands
        self._followers = connections.followers
        self._index = FlowIndex(connections.commands)
        self._announce = script(connections.commands, "announce")
        self._resume = script(connections.commands, "resume")
        self._claim = script(connections.commands, "claim")

    async def announce(
        self, flow: FlowRef, latent_id: LatentId, letter: DeadLetter | None = None
    ) -> None:
        retention = self._retentions.of(flow.flow)
        args: list[EncodableT] = [
            retention.announcements,
            retention.age_ms,
            FOR_GROUPS,
            LONGEST_KEPT_MS,
            *to_fields(latent_id, letter),
        ]
        await asyncio.gather(
            self._index.add(flow), self._announce(keys=[announced_key(flow)], args=args)
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
        return to_announcements(only_stream(reply))

    async def join(self, member: GroupMember) -> None:
        key = announced_key(member.flow)
        async with self._commands.turn() as redis:
            await _make_group(redis, key, member.group)
            pipeline = redis.pipeline(transaction=False)
            pipeline.xgroup_createconsumer(key, member.group, member.consumer)
            pipeline.pexpire(key, LONGEST_KEPT_MS)
            await pipeline.execute()
        await self._index.add(member.flow)

    async def pending(
        self, member: GroupMember, *, after: DeliveryId, most_deliveries: int
    ) -> Sequence[Announcement]:
        behind: str = after
        while True:
            reply = await self._of_group(
                self._resume, member, behind, READ_ANNOUNCEMENTS, most_deliveries
            )
            if not reply:
                return ()
            behind, given = as_text(reply[0]), reply[1]
            if given:
                return [from_script(entry) for entry in given]

    async def claim(self, member: GroupMember, *, idle_ms: int, most_deliveries: int) -> Claimed:
        while True:
            looked_at, given, staying = await self._of_group(
                self._claim, member, idle_ms, READ_ANNOUNCEMENTS, most_deliveries
            )
            # Looks again when all that was idle turned out to be trimmed.
            if given or staying or not looked_at:
                return Claimed(
                    given=[from_script(entry) for entry in given],
                    exhausted=[to_exhausted(*each) for each in staying],
                )

    async def receive(self, member: GroupMember, *, wait_ms: int) -> Sequence[Announcement]:
        new: dict[KeyT, StreamIdT] = {announced_key(member.flow): ">"}
        async with self._followers.turn(wait_ms=wait_ms) as redis:
            reply = await redis.xreadgroup(
                member.group, member.consumer, new, count=READ_ANNOUNCEMENTS, block=wait_ms
            )
        return to_announcements(only_stream(reply))

    async def acknowledge(
        self, flow: FlowRef, group: str, delivery_ids: Sequence[DeliveryId]
    ) -> int:
        key = announced_key(flow)
        async with self._commands.turn() as redis:
            if not await redis.exists(key):
                raise UnknownFlow(flow=flow.flow)
            return await redis.xack(key, group, *delivery_ids)

    async def survey(self, tenant: Tenant) -> Sequence[FlowInfo]:
        return await self._index.read(tenant)

    async def _of_group(
        self, run: Script, member: GroupMember, *arguments: EncodableT
    ) -> Sequence[Any]:
        """What a script says of the member's group."""
        args = [member.group, member.consumer, *arguments]
        return cast(Sequence[Any], await run(keys=[announced_key(member.flow)], args=args))


async def _make_group(redis: Client, key: str, group: str) -> None:
    """A new group begins with the oldest announcement kept."""
    try:
        await redis.xgroup_create(key, group, id=_BEGINNING, mkstream=True)
    except ResponseError as error:
        if not str(error).startswith("BUSYGROUP"):
            raise
