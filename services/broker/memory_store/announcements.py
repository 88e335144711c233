"""One flow in memory: its announcements in order, and who of its groups has had which."""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, field

from latentflow.latent import FlowName, LatentId
from latentflow.relay import DeadLetter, FlowInfo, GroupInfo
from services.broker.record import Announcement, Claimed, DeliveryId, Exhausted
from services.broker.retention import FOR_GROUPS, Retention

READ_ANNOUNCEMENTS = 32


@dataclass(slots=True)
class Pending:
    """An announcement that was given and not acknowledged."""

    announcement: Announcement
    consumer: str
    given_ms: int
    deliveries: int = 1

    def give(self, consumer: str, now_ms: int) -> Announcement:
        self.consumer, self.given_ms = consumer, now_ms
        self.deliveries += 1
        return self.announcement

    def set_aside(self, now_ms: int) -> Exhausted:
        """Whose it is it stays, idle from now on."""
        idle_ms, self.given_ms = now_ms - self.given_ms, now_ms
        return Exhausted(
            announcement=self.announcement,
            consumer=self.consumer,
            deliveries=self.deliveries,
            idle_ms=idle_ms,
        )


@dataclass(slots=True)
class Group:
    """`given` is the number of the newest announcement that any member was given."""

    given: int = 0
    waiting: dict[DeliveryId, Pending] = field(default_factory=dict)
    consumers: set[str] = field(default_factory=set)

    @property
    def oldest_needed(self) -> int:
        """The oldest that was not acknowledged, or the next to give."""
        return min(map(number_of, self.waiting), default=self.given + 1)

    def give(self, consumer: str, news: Sequence[Announcement], now_ms: int) -> None:
        for announcement in news:
            self.given = number_of(announcement.delivery_id)
            self.waiting[announcement.delivery_id] = Pending(announcement, consumer, now_ms)

    def give_again(
        self, consumer: str, *, after: DeliveryId, most_deliveries: int, now_ms: int
    ) -> Sequence[Announcement]:
        """See `store.FlowStore.pending`."""
        again = [
            pending
            for delivery_id, pending in self.waiting.items()
            if pending.consumer == consumer
            and pending.deliveries < most_deliveries
            and number_of(delivery_id) > number_of(after)
        ]
        return [pending.give(consumer, now_ms) for pending in again[:READ_ANNOUNCEMENTS]]

    def claim(self, consumer: str, *, idle_ms: int, most_deliveries: int, now_ms: int) -> Claimed:
        """See `store.FlowStore.claim`."""
        idle = [p for p in self.waiting.values() if now_ms - p.given_ms >= idle_ms]
        taken = idle[:READ_ANNOUNCEMENTS]
        exhausted = [p.set_aside(now_ms) for p in taken if p.deliveries >= most_deliveries]
        given = [p.give(consumer, now_ms) for p in taken if p.deliveries < most_deliveries]
        return Claimed(given=given, exhausted=exhausted)


@dataclass(slots=True)
class Flow:
    """Its announcements are numbered from 1; the first `dropped` are no longer kept."""

    announced: list[Announcement] = field(default_factory=list)
    announced_ms: list[int] = field(default_factory=list)
    dropped: int = 0
    groups: dict[str, Group] = field(default_factory=dict)

    @property
    def newest(self) -> int:
        return self.dropped + len(self.announced)

    def announce(self, latent_id: LatentId, letter: DeadLetter | None, now_ms: int) -> None:
        delivery_id = id_of(self.newest + 1)
        self.announced.append(
            Announcement(delivery_id=delivery_id, latent_id=latent_id, dead_letter=letter)
        )
        self.announced_ms.append(now_ms)

    def behind(self, number: int) -> list[Announcement]:
        first = max(0, number - self.dropped)
        return self.announced[first : first + READ_ANNOUNCEMENTS]

    def trim(self, retention: Retention, now_ms: int) -> None:
        """Drops what need not be kept, and what of it a group still has pending."""
        needed = min((group.oldest_needed for group in self.groups.values()), default=self.newest)
        wanted = min(needed, self._oldest_within(retention, 1, now_ms))
        oldest = max(wanted, self._oldest_within(retention, FOR_GROUPS, now_ms))
        surplus = max(0, oldest - 1 - self.dropped)
        for trimmed in self.announced[:surplus]:
            for group in self.groups.values():
                group.waiting.pop(trimmed.delivery_id, None)
        del self.announced[:surplus], self.announced_ms[:surplus]
        self.dropped += surplus

    def describe(self, name: FlowName) -> FlowInfo:
        groups = tuple(
            GroupInfo(
                name=group_name,
                lag=self.newest - max(group.given, self.dropped),
                pending=len(group.waiting),
                consumers=len(group.consumers),
            )
            for group_name, group in sorted(self.groups.items())
        )
        return FlowInfo(name=name, announced=len(self.announced), groups=groups)

    def _oldest_within(self, retention: Retention, times: int, now_ms: int) -> int:
        """The oldest that so many times the retention keeps."""
        by_count = self.newest + 1 - times * retention.announcements
        too_old = bisect_left(self.announced_ms, now_ms - times * retention.age_ms)
        return max(by_count, self.dropped + too_old + 1)


def id_of(number: int) -> DeliveryId:
    return DeliveryId(f"{number}-0")


def number_of(delivery_id: DeliveryId) -> int:
    return int(delivery_id.partition("-")[0])
