"""What every FlowStore keeps to when deliveries are counted, and given no more."""

from latentflow.latent import FlowName
from latentflow.relay import DeadLetter
from services.broker.record import FlowRef
from services.broker.store import FlowStore
from tests.contract.samples import FLOW, TENANT, new_ref
from tests.contract.test_flows import HOUR_MS, OLDEST, announce_some, ids_of, latents_of, member
from tests.manual_clock import ManualClock

DEAD = FlowRef(tenant=TENANT, flow=FlowName("memos.dead"))
LETTER = DeadLetter(flow=FLOW, group="readers", deliveries=5, reason="never acknowledged")


async def test_claim_gives_up_to_as_often_as_allowed(flows: FlowStore) -> None:
    await flows.join(member("a"))
    announced = await announce_some(flows, 1)
    await flows.receive(member("a"), wait_ms=1)
    second = await flows.claim(member("b"), idle_ms=0, most_deliveries=2)
    assert (latents_of(second.given), second.exhausted) == (announced, [])
    third = await flows.claim(member("c"), idle_ms=0, most_deliveries=2)
    assert not third.given
    (exhausted,) = third.exhausted
    assert [exhausted.announcement.latent_id] == announced
    assert (exhausted.consumer, exhausted.deliveries) == ("b", 2)


async def test_exhausted_delivery_tells_how_long_it_was_idle(
    flows: FlowStore, clock: ManualClock
) -> None:
    await flows.join(member("a"))
    await announce_some(flows, 1)
    await flows.receive(member("a"), wait_ms=1)
    clock.advance(seconds=1)
    (exhausted,) = (await flows.claim(member("b"), idle_ms=0, most_deliveries=1)).exhausted
    assert 0 <= exhausted.idle_ms < HOUR_MS


async def test_exhausted_delivery_stays_its_members_and_idle_from_then_on(
    flows: FlowStore, clock: ManualClock
) -> None:
    """So that two who look one after the other don't both move it."""
    await flows.join(member("a"))
    announced = await announce_some(flows, 1)
    await flows.receive(member("a"), wait_ms=1)
    for consumer in ("b", "c"):
        (found,) = (await flows.claim(member(consumer), idle_ms=0, most_deliveries=1)).exhausted
        assert (found.consumer, found.deliveries) == ("a", 1)
        again = await flows.claim(member(consumer), idle_ms=HOUR_MS, most_deliveries=1)
        assert not again.exhausted
    given = await flows.pending(member("a"), after=OLDEST, most_deliveries=2)
    assert latents_of(given) == announced


async def test_member_that_comes_back_is_given_again_and_that_counts(flows: FlowStore) -> None:
    await flows.join(member("a"))
    announced = await announce_some(flows, 1)
    await flows.receive(member("a"), wait_ms=1)
    for _ in range(2):
        given = await flows.pending(member("a"), after=OLDEST, most_deliveries=3)
        assert latents_of(given) == announced
    assert not await flows.pending(member("a"), after=OLDEST, most_deliveries=3)
    (exhausted,) = (await flows.claim(member("b"), idle_ms=0, most_deliveries=3)).exhausted
    assert (exhausted.consumer, exhausted.deliveries) == ("a", 3)


async def test_exhausted_deliveries_hide_no_others(flows: FlowStore) -> None:
    """More of them than one read takes stand before what may still be given."""
    await flows.join(member("a"))
    announced = await announce_some(flows, 40)
    given = 0
    while given < 40:
        given += len(await flows.receive(member("a"), wait_ms=1))
    await flows.claim(member("a"), idle_ms=0, most_deliveries=5)
    later = await flows.pending(member("a"), after=OLDEST, most_deliveries=2)
    assert latents_of(later) == announced[32:]


async def test_acknowledged_delivery_is_not_exhausted(flows: FlowStore) -> None:
    await flows.join(member("a"))
    await announce_some(flows, 1)
    given = await flows.receive(member("a"), wait_ms=1)
    await flows.acknowledge(FlowRef(tenant=TENANT, flow=FLOW), "readers", ids_of(given))
    claimed = await flows.claim(member("b"), idle_ms=0, most_deliveries=1)
    assert (claimed.given, claimed.exhausted) == ([], [])


async def test_dead_letter_comes_with_its_announcement(flows: FlowStore) -> None:
    latent_id = new_ref().latent_id
    await flows.join(member("a", flow=DEAD))
    await flows.announce(DEAD, latent_id, LETTER)
    (followed,) = await flows.follow(DEAD, after=OLDEST, wait_ms=1)
    (received,) = await flows.receive(member("a", flow=DEAD), wait_ms=1)
    (pending,) = await flows.pending(member("a", flow=DEAD), after=OLDEST, most_deliveries=9)
    claimed = await flows.claim(member("b", flow=DEAD), idle_ms=0, most_deliveries=9)
    for announcement in (followed, received, pending, *claimed.given):
        assert (announcement.latent_id, announcement.dead_letter) == (latent_id, LETTER)
