"""The store in memory drops announcements by age as the others do."""

from latentflow.latent import LatentId
from services.broker.memory_store.flows import MemoryFlows
from services.broker.record import DeliveryId, FlowRef, GroupMember
from services.broker.retention import Retention, Retentions
from tests.contract.samples import FLOW, TENANT, new_ref
from tests.manual_clock import ManualClock

HERE = FlowRef(tenant=TENANT, flow=FLOW)
KEPT_SECONDS = 3600


async def kept_of_three(flows: MemoryFlows, clock: ManualClock) -> int:
    """How many are left of announcements 2.5, 1.5 and 0.5 times too old."""
    old: list[LatentId] = []
    for seconds in (KEPT_SECONDS, KEPT_SECONDS, KEPT_SECONDS / 2):
        old.append(new_ref().latent_id)
        await flows.announce(HERE, old[-1])
        clock.advance(seconds=seconds)
    await flows.announce(HERE, new_ref().latent_id)
    followed = await flows.follow(HERE, after=DeliveryId("0-0"), wait_ms=1)
    kept = [announcement.latent_id for announcement in followed[:-1]]
    assert kept == old[len(old) - len(kept) :]
    return len(kept)


async def test_old_announcements_go_unless_a_group_still_needs_them() -> None:
    clock = ManualClock()
    retentions = Retentions(usual=Retention(age_ms=KEPT_SECONDS * 1000))
    alone, shared = MemoryFlows(clock, retentions), MemoryFlows(clock, retentions)
    await shared.join(GroupMember(flow=HERE, group="g", consumer="a"))
    assert await kept_of_three(alone, clock) == 1
    assert await kept_of_three(shared, clock) == 2
