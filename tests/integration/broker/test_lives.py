"""Finding, renewing, lineage and inspection over real gRPC and a real Valkey."""

import pytest

from latentflow.errors import LatentClosed, LatentExpired, LatentRevoked, UnknownLatent
from latentflow.latent import MAX_LIFETIME_SECONDS, new_latent_id
from latentflow.relay import FindCall, RenewCall, UseCall
from tests.integration.broker.running import TIMEOUT, Broker, Publisher
from tests.made_latents import LIFETIME_SECONDS, MadeLatent, make_latent
from tests.manual_clock import ManualClock

NOBODY = new_latent_id(now_ms=1, entropy=bytes(10))


def same_content(made: MadeLatent) -> FindCall:
    return FindCall(flow=made.manifest.flow, content_digest=made.manifest.content_digest)


async def test_a_latent_is_found_by_its_content_while_it_can_be_read(
    broker: Broker, clock: ManualClock
) -> None:
    made = make_latent(clock())
    await broker.publish(made)
    found = await broker.client.find(same_content(made), timeout=TIMEOUT)
    assert found is not None
    assert found.manifest == made.manifest
    await broker.admin.revoke(made.latent_id, timeout=TIMEOUT)
    assert await broker.client.find(same_content(made), timeout=TIMEOUT) is None


async def test_a_renewed_latent_is_read_beyond_its_first_life(
    broker: Broker, clock: ManualClock
) -> None:
    made = make_latent(clock())
    await broker.publish(made)
    later_ms = made.manifest.expires_ms + 60_000
    call = RenewCall(latent_id=made.latent_id, expires_ms=later_ms)
    assert (await broker.client.renew(call, timeout=TIMEOUT)).expires_ms == later_ms
    clock.advance(seconds=LIFETIME_SECONDS + 30)
    assert (await broker.client.fetch(made.latent_id, timeout=TIMEOUT)).stream == made.stream
    assert await broker.client.find(same_content(made), timeout=TIMEOUT) is not None
    clock.advance(seconds=30)
    with pytest.raises(LatentExpired):
        await broker.client.fetch(made.latent_id, timeout=TIMEOUT)


async def test_no_renewal_goes_beyond_the_longest_life(broker: Broker, clock: ManualClock) -> None:
    made = make_latent(clock())
    await broker.publish(made)
    call = RenewCall(latent_id=made.latent_id, expires_ms=clock() + 10**10)
    renewed = await broker.client.renew(call, timeout=TIMEOUT)
    assert renewed.expires_ms == made.manifest.created_ms + MAX_LIFETIME_SECONDS * 1000


async def test_what_can_not_be_read_is_not_renewed(broker: Broker, clock: ManualClock) -> None:
    later_ms = clock() + 10**8
    opened, revoked, expired = (make_latent(clock()) for _ in range(3))
    await Publisher(broker).open(opened)
    await broker.publish(revoked)
    await broker.admin.revoke(revoked.latent_id, timeout=TIMEOUT)
    await broker.publish(expired)
    for latent_id, error in (
        (NOBODY, UnknownLatent),
        (opened.latent_id, LatentClosed),
        (revoked.latent_id, LatentRevoked),
    ):
        with pytest.raises(error):
            await broker.client.renew(
                RenewCall(latent_id=latent_id, expires_ms=later_ms), timeout=TIMEOUT
            )
    clock.advance(seconds=LIFETIME_SECONDS)
    with pytest.raises(LatentExpired):
        await broker.client.renew(
            RenewCall(latent_id=expired.latent_id, expires_ms=later_ms), timeout=TIMEOUT
        )


async def test_lineage_is_known_beyond_expiry_and_told_when_revoked(
    broker: Broker, clock: ManualClock
) -> None:
    made = make_latent(clock())
    await broker.publish(made)
    call = UseCall(latent_id=made.latent_id, reader="r", generation="g")
    for _ in range(2):
        await broker.client.record_use(call, timeout=TIMEOUT)
    clock.advance(seconds=LIFETIME_SECONDS + 1)
    lineage = await broker.admin.get_lineage(made.latent_id, timeout=TIMEOUT)
    assert lineage.latent.manifest == made.manifest
    assert [(each.reader, each.generation) for each in lineage.receipts] == [("r", "g")]
    assert await broker.admin.revoke(made.latent_id, timeout=TIMEOUT) == lineage.receipts


async def test_the_use_of_a_latent_nobody_has_is_refused(broker: Broker) -> None:
    with pytest.raises(UnknownLatent):
        await broker.client.record_use(
            UseCall(latent_id=NOBODY, reader="r", generation="g"), timeout=TIMEOUT
        )


async def test_a_broker_says_what_it_is_and_what_is_wrong(
    broker: Broker, clock: ManualClock
) -> None:
    inspection = await broker.admin.inspect(timeout=TIMEOUT)
    assert inspection.at_ms == clock()
    assert inspection.version
    assert inspection.servers[0].startswith("valkey 9")
    assert any("appendonly" in remark for remark in inspection.remarks)
