"""What every LatentStore keeps to while a latent is used: renewal, readers, uses, contents."""

import pytest

from latentflow.errors import LatentRevoked, UnknownLatent
from latentflow.latent import Digest
from latentflow.relay import Receipt, UseCall
from services.broker.lifecycle import READING_MS
from services.broker.memory_store import latents as memory_latents
from services.broker.record import ContentRef, LatentRef
from services.broker.redis_store import latents as redis_latents
from services.broker.store import LatentStore
from tests.contract.samples import FLOW, LIFETIME_SECONDS, OTHER_TENANT, TENANT, new_ref
from tests.contract.uploads import committed, uploading
from tests.manual_clock import ManualClock

HOUR_MS = 3_600_000
CONTENT = ContentRef(tenant=TENANT, flow=FLOW, content_digest=Digest("e" * 64))


def use(ref: LatentRef, reader: str, generation: str = "g") -> UseCall:
    return UseCall(latent_id=ref.latent_id, reader=reader, generation=generation)


async def test_renewal_lets_a_latent_live_on(latents: LatentStore, clock: ManualClock) -> None:
    ref = await committed(latents, clock)
    later_ms = clock() + LIFETIME_SECONDS * 1000 + HOUR_MS
    record = await latents.renew(ref, expires_ms=later_ms, now_ms=clock())
    assert record.opening.expires_ms == later_ms
    assert (await latents.find(ref)) == record
    assert len(await latents.read(ref, first_frame=0, wait_ms=1)) == 2


async def test_renewal_never_shortens_a_life(latents: LatentStore, clock: ManualClock) -> None:
    ref = await committed(latents, clock)
    before = await latents.find(ref)
    assert await latents.renew(ref, expires_ms=clock() + 1000, now_ms=clock()) == before


async def test_what_is_not_complete_or_has_expired_is_not_renewed(
    latents: LatentStore, clock: ManualClock
) -> None:
    later_ms = clock() + LIFETIME_SECONDS * 1000 + HOUR_MS
    opened = (await uploading(latents, clock)).ref
    complete = await committed(latents, clock)
    clock.advance(seconds=LIFETIME_SECONDS)
    for ref in (opened, complete):
        before = await latents.find(ref)
        assert await latents.renew(ref, expires_ms=later_ms, now_ms=clock()) == before


async def test_an_unknown_latent_is_neither_renewed_nor_used(
    latents: LatentStore, clock: ManualClock
) -> None:
    ref = new_ref()
    with pytest.raises(UnknownLatent):
        await latents.renew(ref, expires_ms=clock() + HOUR_MS, now_ms=clock())
    with pytest.raises(UnknownLatent):
        await latents.note(use(ref, "a"), TENANT, now_ms=clock())
    assert not await latents.receipts(ref)


async def test_uses_are_noted_once_each_oldest_first(
    latents: LatentStore, clock: ManualClock
) -> None:
    ref = await committed(latents, clock)
    began_ms = clock()
    for reader, generation in (("b", "1"), ("a", "1"), ("a", "2"), ("b", "1")):
        await latents.note(use(ref, reader, generation), TENANT, now_ms=clock())
        clock.advance(seconds=1)
    assert await latents.receipts(ref) == [
        Receipt(reader="b", generation="1", at_ms=began_ms),
        Receipt(reader="a", generation="1", at_ms=began_ms + 1000),
        Receipt(reader="a", generation="2", at_ms=began_ms + 2000),
    ]


async def test_uses_stay_when_a_latent_is_revoked(latents: LatentStore, clock: ManualClock) -> None:
    ref = await committed(latents, clock)
    await latents.note(use(ref, "a"), TENANT, now_ms=clock())
    await latents.revoke(ref)
    assert [receipt.reader for receipt in await latents.receipts(ref)] == ["a"]


async def test_a_use_by_another_tenant_is_of_no_latent(
    latents: LatentStore, clock: ManualClock
) -> None:
    ref = await committed(latents, clock)
    with pytest.raises(UnknownLatent):
        await latents.note(use(ref, "a"), OTHER_TENANT, now_ms=clock())


async def test_a_revoked_latent_has_no_more_uses(latents: LatentStore, clock: ManualClock) -> None:
    """So that whom a revocation names is everyone."""
    ref = await committed(latents, clock)
    await latents.note(use(ref, "a"), TENANT, now_ms=clock())
    await latents.revoke(ref)
    with pytest.raises(LatentRevoked):
        await latents.note(use(ref, "b"), TENANT, now_ms=clock())
    await latents.note(use(ref, "a"), TENANT, now_ms=clock())


async def test_the_newest_uses_are_kept(
    latents: LatentStore, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (memory_latents, redis_latents):
        monkeypatch.setattr(module, "MAX_RECEIPTS", 3)
    ref = await committed(latents, clock)
    for number in range(5):
        await latents.note(use(ref, "a", str(number)), TENANT, now_ms=clock())
        clock.advance(seconds=1)
    assert [receipt.generation for receipt in await latents.receipts(ref)] == ["2", "3", "4"]


async def test_the_latent_made_last_of_a_content_is_recalled(
    latents: LatentStore, clock: ManualClock
) -> None:
    assert await latents.recall(CONTENT) is None
    first, second = new_ref().latent_id, new_ref().latent_id
    for latent_id in (first, second):
        await latents.remember(CONTENT, latent_id, until_ms=clock() + HOUR_MS)
    assert await latents.recall(CONTENT) == second


@pytest.mark.parametrize(
    "other",
    [
        ContentRef(tenant=OTHER_TENANT, flow=FLOW, content_digest=CONTENT.content_digest),
        ContentRef(tenant=TENANT, flow=FLOW, content_digest=Digest("f" * 64)),
    ],
    ids=["tenant", "content"],
)
async def test_nobody_recalls_what_is_not_his(
    latents: LatentStore, clock: ManualClock, other: ContentRef
) -> None:
    await latents.remember(CONTENT, new_ref().latent_id, until_ms=clock() + HOUR_MS)
    assert await latents.recall(other) is None


async def test_a_reader_that_is_at_it_keeps_the_frames(
    latents: LatentStore, clock: ManualClock
) -> None:
    ref = await committed(latents, clock)
    await latents.hold(ref, until_ms=clock() + LIFETIME_SECONDS * 1000 + 3 * READING_MS)
    clock.advance(seconds=LIFETIME_SECONDS + 2 * READING_MS / 1000)
    await uploading(latents, clock)
    assert len(await latents.read(ref, first_frame=0, wait_ms=1)) == 2


async def test_holding_what_is_gone_brings_nothing_back(
    latents: LatentStore, clock: ManualClock
) -> None:
    ref = new_ref()
    await latents.hold(ref, until_ms=clock() + HOUR_MS)
    assert not await latents.read(ref, first_frame=0, wait_ms=1)
