"""FlowStore in memory: each flow's announcements in order, and its groups' pending ones."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from latentflow.errors import UnknownFlow
from latentflow.latent import LatentId
from services.broker.keys import ANNOUNCED
from services.broker.record import Announcement, ClockMs, DeliveryId, FlowRef, GroupMember

READ_ANNOUNCEMENTS = 32


@dataclass(slots=True)
class _Pending:
    announcement: Announcement
    consumer: str
    given_ms: int


@dataclass(slots=True)
class _Group:
    given: int = 0
    pending: dict[DeliveryId, _Pending] = field(default_factory=dict)


@dataclass(slots=True)
class _Flow:
    announced: list[Announcement] = field(default_factory=list)
    dropped: int = 0
    groups: dict[str, _Group] = field(default_factory=dict)

    def behind(self, number: int) -> list[Announcement]:
        first = max(0, number - self.dropped)
        return self.announced[first : first + READ_ANNOUNCEMENTS]


class MemoryFlows:
    """See `store.FlowStore`."""

    def __init__(self, clock_ms: ClockMs) -> None:
        self._clock_ms = clock_ms
        self._flows: dict[FlowRef, _Flow] = {}
        self._changed = asyncio.Condition()

    async def announce(self, flow: FlowRef, latent_id: LatentId) -> None:
        kept = self._flow(flow)
        number = kept.dropped + len(kept.announced) + 1
        kept.announced.append(Announcement(delivery_id=_id_of(number), latent_id=latent_id))
        if len(kept.announced) > ANNOUNCED:
            del kept.announced[0]
            kept.dropped += 1
        async with self._changed:
            self._changed.notify_all()

    async def newest(self, flow: FlowRef) -> DeliveryId:
        kept = self._flows.get(flow, _Flow())
        return _id_of(kept.dropped + len(kept.announced))

    async def follow(
        self, flow: FlowRef, *, after: DeliveryId, wait_ms: int
    ) -> Sequence[Announcement]:
        number = _number_of(after)
        return await self._some(lambda: self._flows.get(flow, _Flow()).behind(number), wait_ms)

    async def join(self, member: GroupMember) -> None:
        self._flow(member.flow).groups.setdefault(member.group, _Group())

    async def pending(self, member: GroupMember, *, after: DeliveryId) -> Sequence[Announcement]:
        given = [
            pending.announcement
            for delivery_id, pending in sorted(self._group(member).pending.items(), key=_age)
            if pending.consumer == member.consumer and _number_of(delivery_id) > _number_of(after)
        ]
        return given[:READ_ANNOUNCEMENTS]

    async def claim(self, member: GroupMember, *, idle_ms: int) -> Sequence[Announcement]:
        now_ms = self._clock_ms()
        idle = [
            pending.announcement
            for _, pending in sorted(self._group(member).pending.items(), key=_age)
            if now_ms - pending.given_ms >= idle_ms
        ]
        return self._give(member, idle[:READ_ANNOUNCEMENTS])

    async def receive(self, member: GroupMember, *, wait_ms: int) -> Sequence[Announcement]:
        group = self._group(member)
        news = await self._some(lambda: self._flow(member.flow).behind(group.given), wait_ms)
        if news:
            group.given = _number_of(news[-1].delivery_id)
        return self._give(member, news)

    async def acknowledge(
        self, flow: FlowRef, group: str, delivery_ids: Sequence[DeliveryId]
    ) -> int:
        if flow not in self._flows:
            raise UnknownFlow(flow=flow.flow)
        pending = self._flow(flow).groups.get(group, _Group()).pending
        return sum(pending.pop(delivery_id, None) is not None for delivery_id in delivery_ids)

    def _flow(self, flow: FlowRef) -> _Flow:
        return self._flows.setdefault(flow, _Flow())

    def _group(self, member: GroupMember) -> _Group:
        return self._flow(member.flow).groups[member.group]

    def _give(
        self, member: GroupMember, announcements: Sequence[Announcement]
    ) -> Sequence[Announcement]:
        for announcement in announcements:
            self._group(member).pending[announcement.delivery_id] = _Pending(
                announcement, member.consumer, self._clock_ms()
            )
        return announcements

    async def _some(
        self, look: Callable[[], list[Announcement]], wait_ms: int
    ) -> list[Announcement]:
        with suppress(TimeoutError):
            async with asyncio.timeout(wait_ms / 1000), self._changed:
                await self._changed.wait_for(look)
        return look()


def _id_of(number: int) -> DeliveryId:
    return DeliveryId(f"{number}-0")


def _number_of(delivery_id: DeliveryId) -> int:
    return int(delivery_id.partition("-")[0])


def _age(item: tuple[DeliveryId, object]) -> int:
    return _number_of(item[0])
