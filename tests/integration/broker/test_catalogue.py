"""GetLatent, ListLatents and RevokeLatent over real gRPC and a real Valkey."""

import pytest

from latentflow.errors import InvalidInput, LatentExpired, UnknownLatent
from latentflow.latent import FlowName, LatentState, new_latent_id
from latentflow.relay import ListCall
from tests.integration.broker.running import TIMEOUT, Broker, half_published
from tests.made_latents import LIFETIME_SECONDS, make_latent
from tests.manual_clock import ManualClock


@pytest.fixture
def flow(clock: ManualClock) -> FlowName:
    """A flow that no other test has used."""
    return FlowName(f"flow-{make_latent(clock()).latent_id.lower()}")


async def test_latent_is_described_at_every_stage(broker: Broker, clock: ManualClock) -> None:
    made, publisher = await half_published(broker, clock)
    uploading = await broker.client.get_latent(made.latent_id, timeout=TIMEOUT)
    assert (uploading.state, uploading.frames) == (LatentState.OPEN, 1)
    assert uploading.payload_bytes == len(made.frames[0].payload)
    for frame in made.frames[1:]:
        await publisher.say(frame)
    await publisher.say(made.commit)
    committed = await broker.client.get_latent(made.latent_id, timeout=TIMEOUT)
    assert (committed.state, committed.commit) == (LatentState.COMMITTED, made.commit)
    await broker.admin.revoke(made.latent_id, timeout=TIMEOUT)
    revoked = await broker.client.get_latent(made.latent_id, timeout=TIMEOUT)
    assert (revoked.state, revoked.commit) == (LatentState.REVOKED, None)


async def test_expired_latent_is_told_from_one_that_never_was(
    broker: Broker, clock: ManualClock
) -> None:
    made = make_latent(clock())
    await broker.publish(made)
    clock.advance(seconds=LIFETIME_SECONDS)
    with pytest.raises(LatentExpired):
        await broker.client.get_latent(made.latent_id, timeout=TIMEOUT)
    unknown = new_latent_id(now_ms=1, entropy=bytes(10))
    with pytest.raises(UnknownLatent):
        await broker.client.get_latent(unknown, timeout=TIMEOUT)


async def test_list_is_paged_newest_first(
    broker: Broker, clock: ManualClock, flow: FlowName
) -> None:
    latents = []
    for _ in range(3):
        clock.advance(seconds=0.001)
        latents.append(make_latent(clock(), flow=flow))
        await broker.publish(latents[-1])
    first = await broker.admin.list_latents(ListCall(flow=flow, page_size=2), timeout=TIMEOUT)
    token = first.next_page_token
    second = await broker.admin.list_latents(
        ListCall(flow=flow, page_size=2, page_token=token), timeout=TIMEOUT
    )
    listed = [info.manifest.latent_id for info in (*first.latents, *second.latents)]
    assert listed == [made.latent_id for made in reversed(latents)]
    assert second.next_page_token == ""


async def test_token_of_nobody_is_refused(broker: Broker) -> None:
    with pytest.raises(InvalidInput) as refusal:
        await broker.admin.list_latents(ListCall(page_token="x"), timeout=TIMEOUT)
    assert refusal.value.field == "page_token"


async def test_revoking_twice_is_no_error_and_an_unknown_latent_is(
    broker: Broker, clock: ManualClock
) -> None:
    made = make_latent(clock())
    await broker.publish(made)
    await broker.admin.revoke(made.latent_id, timeout=TIMEOUT)
    await broker.admin.revoke(made.latent_id, timeout=TIMEOUT)
    with pytest.raises(UnknownLatent):
        await broker.admin.revoke(new_latent_id(now_ms=1, entropy=bytes(10)), timeout=TIMEOUT)
