"""FlowStore in memory: a dictionary of flows, and a condition on which watchers wait."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress

from latentflow.errors import UnknownFlow
from latentflow.latent import LatentId, Tenant
from latentflow.relay import DeadLetter, FlowInfo
from services.broker.memory_store.announcements import Flow, Group, id_of, number_of
from services.broker.record import (
    Announcement,
    Claimed,
    ClockMs,
    DeliveryId,
    FlowRef,
    GroupMember,
)
from services.broker.retention import USUAL, Retentions


class MemoryFlows:
    """See `store.FlowStore`. Forgets announcements, but no flow."""

    def __init__(self, clock_ms: ClockMs, retentions: Retentions = USUAL) -> None:
        self._clock_ms = clock_ms
        self._retentions = retentions
        self._flows: dict[FlowRef, Flow] = {}
        self._changed = asyncio.Condition()

    async def announce(
        self, flow: FlowRef, latent_id: LatentId, letter: DeadLetter | None = None
    ) -> None:
        kept, now_ms = self._flow(flow), self._clock_ms()
        kept.announce(latent_id, letter, now_ms)
        kept.trim(self._retentions.of(flow.flow), now_ms)
        async with self._changed:
            self._changed.notify_all()

    async def newest(self, flow: FlowRef) -> DeliveryId:
        return id_of(self._flows.get(flow, Flow()).newest)

    async def follow(
        self, flow: FlowRef, *, after: DeliveryId, wait_ms: int
    ) -> Sequence[Announcement]:
        number = number_of(after)
        return await self._some(lambda: self._flows.get(flow, Flow()).behind(number), wait_ms)

    async def join(self, member: GroupMember) -> None:
        groups = self._flow(member.flow).groups
        groups.setdefault(member.group, Group()).consumers.add(member.consumer)

    async def pending(
        self, member: GroupMember, *, after: DeliveryId, most_deliveries: int
    ) -> Sequence[Announcement]:
        return self._group(member).give_again(
            member.consumer,
            after=after,
            most_deliveries=most_deliveries,
            now_ms=self._clock_ms(),
        )

    async def claim(self, member: GroupMember, *, idle_ms: int, most_deliveries: int) -> Claimed:
        return self._group(member).claim(
            member.consumer,
            idle_ms=idle_ms,
            most_deliveries=most_deliveries,
            now_ms=self._clock_ms(),
        )

    async def receive(self, member: GroupMember, *, wait_ms: int) -> Sequence[Announcement]:
        group = self._group(member)
        news = await self._some(lambda: self._flow(member.flow).behind(group.given), wait_ms)
        group.give(member.consumer, news, self._clock_ms())
        return news

    async def acknowledge(
        self, flow: FlowRef, group: str, delivery_ids: Sequence[DeliveryId]
    ) -> int:
        if flow not in self._flows:
            raise UnknownFlow(flow=flow.flow)
        waiting = self._flow(flow).groups.get(group, Group()).waiting
        return sum(waiting.pop(delivery_id, None) is not None for delivery_id in delivery_ids)

    async def survey(self, tenant: Tenant) -> Sequence[FlowInfo]:
        flows = [
            flow.describe(ref.flow) for ref, flow in self._flows.items() if ref.tenant == tenant
        ]
        return sorted(flows, key=lambda flow: flow.name)

    def _flow(self, flow: FlowRef) -> Flow:
        return self._flows.setdefault(flow, Flow())

    def _group(self, member: GroupMember) -> Group:
        return self._flow(member.flow).groups[member.group]

    async def _some(
        self, look: Callable[[], list[Announcement]], wait_ms: int
    ) -> list[Announcement]:
        with suppress(TimeoutError):
            async with asyncio.timeout(wait_ms / 1000), self._changed:
                await self._changed.wait_for(look)
        return look()
