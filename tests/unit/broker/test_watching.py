"""What a watch does when its broker dies halfway, over stores in memory."""

from collections.abc import Sequence
from contextlib import aclosing

import pytest
from opentelemetry.metrics import NoOpMeter

from latentflow.errors import StoreUnavailable
from latentflow.latent import FlowName
from latentflow.relay import Delivery, WatchCall
from services.broker.memory_store.flows import MemoryFlows
from services.broker.memory_store.latents import MemoryLatents
from services.broker.metrics import BrokerMetrics
from services.broker.record import DeliveryId, FlowRef, LatentRef, Opening, UploadLimits
from services.broker.watching import Watching
from tests.contract.samples import TENANT, new_commit, new_frame
from tests.made_latents import MadeLatent, make_latent
from tests.manual_clock import ManualClock

IDLE_SECONDS = 60


class FragileFlows(MemoryFlows):
    """Loses its broker just before the next acknowledgement, when told to."""

    dies = False

    async def acknowledge(
        self, flow: FlowRef, group: str, delivery_ids: Sequence[DeliveryId]
    ) -> int:
        if self.dies:
            self.dies = False
            raise StoreUnavailable(retry_after_seconds=1.0)
        return await super().acknowledge(flow, group, delivery_ids)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def flows(clock: ManualClock) -> FragileFlows:
    return FragileFlows(clock)


@pytest.fixture
def latents(clock: ManualClock) -> MemoryLatents:
    limits = UploadLimits(lease_ms=1000, latent_bytes=1 << 20)
    return MemoryLatents(limits=limits, capacity_bytes=1 << 20, clock_ms=clock)


@pytest.fixture
def watching(latents: MemoryLatents, flows: FragileFlows, clock: ManualClock) -> Watching:
    return Watching(
        latents=latents,
        flows=flows,
        clock_ms=clock,
        redelivery_ms=IDLE_SECONDS * 1000,
        most_deliveries=1,
        longest_wait_ms=1,
        metrics=BrokerMetrics(NoOpMeter("test")),
    )


async def publish(latents: MemoryLatents, flows: FragileFlows, clock: ManualClock) -> MadeLatent:
    """Its frames are made up: nobody reads them here."""
    made = make_latent(clock())
    ref = LatentRef(tenant=TENANT, latent_id=made.latent_id)
    opening = Opening(
        manifest=made.manifest_bytes,
        flow=made.manifest.flow,
        created_ms=made.manifest.created_ms,
        expires_ms=made.manifest.expires_ms,
    )
    await latents.open(ref, opening, now_ms=clock())
    await latents.append(ref, [new_frame(0)], now_ms=clock())
    record = await latents.commit(ref, new_commit(new_frame(0)), now_ms=clock())
    await flows.announce(record.flow, made.latent_id)
    return made


async def take(watching: Watching, call: WatchCall, count: int) -> list[Delivery]:
    async with aclosing(await watching.watch(TENANT, call)) as deliveries:
        return [await anext(deliveries) for _ in range(count)]


async def test_broker_that_dies_while_it_moves_a_dead_letter_repeats_it(
    watching: Watching, latents: MemoryLatents, flows: FragileFlows, clock: ManualClock
) -> None:
    """At least once: announced on the one flow before it is acknowledged on the other."""
    poison = await publish(latents, flows, clock)
    flow = poison.manifest.flow
    await take(watching, WatchCall(flow=flow, group="g", consumer="a"), 1)
    clock.advance(seconds=IDLE_SECONDS)
    flows.dies = True
    survivor = WatchCall(flow=flow, group="g", consumer="b")
    with pytest.raises(StoreUnavailable):
        await take(watching, survivor, 1)
    clock.advance(seconds=IDLE_SECONDS)
    await publish(latents, flows, clock)
    await take(watching, survivor, 1)
    undertaker = WatchCall(flow=FlowName(f"{flow}.dead"), group="u", consumer="u")
    letters = await take(watching, undertaker, 2)
    assert [letter.latent.manifest.latent_id for letter in letters] == [poison.latent_id] * 2
