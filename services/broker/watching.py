"""Watch, Ack and ListFlows: a flow's committed latents, for all watchers or shared by a group.

A latent that was revoked or has expired since it was announced is passed over.
"""

from collections.abc import AsyncGenerator, Sequence

from latentflow.errors import UnknownLatent
from latentflow.latent import Tenant
from latentflow.relay import AckCall, Delivery, FlowInfo, WatchCall
from services.broker.dead_letters import dead_letter_flow, most_deliveries_on, write_letter
from services.broker.description import describe
from services.broker.lifecycle import is_available
from services.broker.metrics import BrokerMetrics
from services.broker.record import (
    Announcement,
    ClockMs,
    DeliveryId,
    Exhausted,
    FlowRef,
    GroupMember,
    LatentRecord,
    LatentRef,
    parse_delivery_id,
)
from services.broker.store import FlowStore, LatentStore

_OLDEST = DeliveryId("0-0")


class Watching:
    """A delivery of a group comes again when it was not acknowledged for `redelivery_ms`.

    After `most_deliveries` it is moved to the dead-letter flow instead, by the next member.
    """

    def __init__(
        self,
        *,
        latents: LatentStore,
        flows: FlowStore,
        clock_ms: ClockMs,
        redelivery_ms: int,
        most_deliveries: int,
        longest_wait_ms: int,
        metrics: BrokerMetrics,
    ) -> None:
        self._latents = latents
        self._flows = flows
        self._clock_ms = clock_ms
        self._redelivery_ms = redelivery_ms
        self._most_deliveries = most_deliveries
        self._longest_wait_ms = min(longest_wait_ms, redelivery_ms)
        self._metrics = metrics

    async def watch(self, tenant: Tenant, call: WatchCall) -> AsyncGenerator[Delivery, None]:
        """Deliveries without end. What is announced once this has returned will be among them."""
        flow = FlowRef(tenant=tenant, flow=call.flow)
        if not call.group:
            return self._for_everybody(flow, await self._flows.newest(flow))
        member = GroupMember(flow=flow, group=call.group, consumer=call.consumer)
        await self._flows.join(member)
        return self._for_one_member(member)

    async def acknowledge(self, tenant: Tenant, call: AckCall) -> int:
        """Deliveries that were pending until now. Raises UnknownFlow or InvalidInput."""
        delivery_ids = [parse_delivery_id(text) for text in call.delivery_ids]
        flow = FlowRef(tenant=tenant, flow=call.flow)
        return await self._flows.acknowledge(flow, call.group, delivery_ids)

    async def survey(self, tenant: Tenant) -> Sequence[FlowInfo]:
        """The tenant's flows, and how far their groups are."""
        return await self._flows.survey(tenant)

    async def _for_everybody(
        self, flow: FlowRef, after: DeliveryId
    ) -> AsyncGenerator[Delivery, None]:
        while True:
            for announcement in await self._flows.follow(
                flow, after=after, wait_ms=self._longest_wait_ms
            ):
                after = announcement.delivery_id
                record = await self._available(flow, announcement)
                if record is not None:
                    yield self._delivery("", announcement, record)

    async def _for_one_member(self, member: GroupMember) -> AsyncGenerator[Delivery, None]:
        async for announcement in self._given(member):
            delivery_id = announcement.delivery_id
            record = await self._available(member.flow, announcement)
            if record is None:
                await self._flows.acknowledge(member.flow, member.group, [delivery_id])
            else:
                yield self._delivery(delivery_id, announcement, record)

    async def _given(self, member: GroupMember) -> AsyncGenerator[Announcement, None]:
        """First what this member left unacknowledged, then what others did, then what is new."""
        most = most_deliveries_on(member.flow, self._most_deliveries)
        after = _OLDEST
        while pending := await self._flows.pending(member, after=after, most_deliveries=most):
            self._metrics.given_again(len(pending))
            for announcement in pending:
                yield announcement
            after = pending[-1].delivery_id
        while True:
            claimed = await self._flows.claim(
                member, idle_ms=self._redelivery_ms, most_deliveries=most
            )
            for exhausted in claimed.exhausted:
                await self._move(member, exhausted)
            self._metrics.given_again(len(claimed.given))
            for announcement in claimed.given:
                yield announcement
            new = await self._flows.receive(member, wait_ms=self._longest_wait_ms)
            self._metrics.given(len(new))
            for announcement in new:
                yield announcement

    async def _move(self, member: GroupMember, exhausted: Exhausted) -> None:
        """Announces first, acknowledges after: a broker that dies between repeats, never loses."""
        announcement = exhausted.announcement
        if await self._available(member.flow, announcement) is not None:
            letter = write_letter(member, exhausted, self._clock_ms())
            dead = dead_letter_flow(member.flow)
            await self._flows.announce(dead, announcement.latent_id, letter)
            self._metrics.dead_letter()
        await self._flows.acknowledge(member.flow, member.group, [announcement.delivery_id])

    def _delivery(
        self, delivery_id: str, announcement: Announcement, record: LatentRecord
    ) -> Delivery:
        return Delivery(
            delivery_id=delivery_id,
            latent=describe(record, self._clock_ms()),
            dead_letter=announcement.dead_letter,
        )

    async def _available(self, flow: FlowRef, announcement: Announcement) -> LatentRecord | None:
        ref = LatentRef(tenant=flow.tenant, latent_id=announcement.latent_id)
        try:
            record = await self._latents.find(ref)
        except UnknownLatent:
            return None
        return record if is_available(record, self._clock_ms()) else None
