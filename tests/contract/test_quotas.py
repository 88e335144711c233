"""What every QuotaStore keeps to: a tenant has no more than its limits, and gets back what ends."""

from dataclasses import replace

import pytest

from latentflow.errors import InvalidInput, QuotaExceeded
from services.broker.record import Charge, LatentRef, TenantLimits
from services.broker.store import QuotaStore
from tests.contract.samples import OTHER_TENANT, new_ref
from tests.manual_clock import ManualClock

LIMITS = TenantLimits(stored_bytes=1000, open_uploads=3, publishes_per_second=1000)
LEASE_SECONDS = 60


def open_for(clock: ManualClock, stored_bytes: int) -> Charge:
    until_ms = clock() + LEASE_SECONDS * 1000
    return Charge(stored_bytes=stored_bytes, until_ms=until_ms, is_open=True)


async def begin(quotas: QuotaStore, clock: ManualClock, stored_bytes: int) -> LatentRef:
    ref = new_ref()
    await quotas.charge(ref, open_for(clock, stored_bytes), LIMITS, now_ms=clock())
    return ref


async def refused(
    quotas: QuotaStore, clock: ManualClock, stored_bytes: int, limits: TenantLimits = LIMITS
) -> QuotaExceeded:
    with pytest.raises(QuotaExceeded) as refusal:
        await quotas.charge(new_ref(), open_for(clock, stored_bytes), limits, now_ms=clock())
    assert refusal.value.retry_after_seconds > 0
    return refusal.value


async def test_more_bytes_than_a_tenant_may_store_are_refused(
    quotas: QuotaStore, clock: ManualClock
) -> None:
    await begin(quotas, clock, 600)
    refusal = await refused(quotas, clock, 401)
    assert (refusal.quota, refusal.limit) == ("stored_bytes", 1000)
    await begin(quotas, clock, 400)


async def test_a_latent_is_charged_for_what_it_is_not_for_what_it_was(
    quotas: QuotaStore, clock: ManualClock
) -> None:
    ref = await begin(quotas, clock, 900)
    await quotas.charge(ref, open_for(clock, 1000), LIMITS, now_ms=clock())
    complete = replace(open_for(clock, 100), is_open=False)
    await quotas.charge(ref, complete, now_ms=clock())
    await begin(quotas, clock, 900)


async def test_what_was_released_meanwhile_is_not_put_right(
    quotas: QuotaStore, clock: ManualClock
) -> None:
    ref = await begin(quotas, clock, 1000)
    await quotas.charge(ref, Charge(stored_bytes=0, until_ms=0, is_open=False), now_ms=clock())
    complete = replace(open_for(clock, 1000), is_open=False)
    await quotas.charge(ref, complete, now_ms=clock())
    await begin(quotas, clock, 1000)


async def test_what_is_released_makes_room(quotas: QuotaStore, clock: ManualClock) -> None:
    ref = await begin(quotas, clock, 1000)
    await quotas.charge(ref, Charge(stored_bytes=0, until_ms=0, is_open=False), now_ms=clock())
    await begin(quotas, clock, 1000)


async def test_what_nobody_puts_right_lapses(quotas: QuotaStore, clock: ManualClock) -> None:
    for _ in range(LIMITS.open_uploads):
        await begin(quotas, clock, 300)
    clock.advance(seconds=LEASE_SECONDS)
    for _ in range(LIMITS.open_uploads):
        await begin(quotas, clock, 300)


async def test_more_open_uploads_than_allowed_are_refused_until_one_is_complete(
    quotas: QuotaStore, clock: ManualClock
) -> None:
    refs = [await begin(quotas, clock, 10) for _ in range(LIMITS.open_uploads)]
    assert (await refused(quotas, clock, 10)).quota == "open_uploads"
    await quotas.charge(refs[0], open_for(clock, 20), LIMITS, now_ms=clock())
    complete = replace(open_for(clock, 10), is_open=False)
    await quotas.charge(refs[0], complete, now_ms=clock())
    await begin(quotas, clock, 10)


async def test_a_second_of_publishes_may_come_at_once_and_no_more(
    quotas: QuotaStore, clock: ManualClock
) -> None:
    limits = replace(LIMITS, publishes_per_second=4, open_uploads=100)
    refs = []
    for _ in range(4):
        refs.append(new_ref())
        await quotas.charge(refs[-1], open_for(clock, 1), limits, now_ms=clock())
    refusal = await refused(quotas, clock, 1, limits)
    assert (refusal.quota, refusal.limit) == ("publishes_per_second", 4)
    await quotas.charge(refs[0], open_for(clock, 2), limits, now_ms=clock())
    clock.advance(seconds=0.3)
    await quotas.charge(new_ref(), open_for(clock, 1), limits, now_ms=clock())
    await refused(quotas, clock, 1, limits)


async def test_tenants_do_not_count_for_each_other(quotas: QuotaStore, clock: ManualClock) -> None:
    await begin(quotas, clock, 1000)
    await quotas.charge(new_ref(OTHER_TENANT), open_for(clock, 1000), LIMITS, now_ms=clock())


@pytest.mark.parametrize("field", ["stored_bytes", "open_uploads", "publishes_per_second"])
def test_a_limit_of_nothing_is_refused(field: str) -> None:
    with pytest.raises(InvalidInput, match=field):
        replace(LIMITS, **{field: 0})


async def test_however_many_have_lapsed_they_count_no_more(
    quotas: QuotaStore, clock: ManualClock
) -> None:
    limits = replace(LIMITS, open_uploads=1000, publishes_per_second=100_000)
    for _ in range(250):
        await quotas.charge(new_ref(), open_for(clock, 4), limits, now_ms=clock())
    clock.advance(seconds=LEASE_SECONDS)
    await begin(quotas, clock, 1000)


async def test_opening_again_does_not_make_a_latent_count_for_less(
    quotas: QuotaStore, clock: ManualClock
) -> None:
    ref = await begin(quotas, clock, 900)
    await quotas.charge(ref, open_for(clock, 10), LIMITS, now_ms=clock())
    assert (await refused(quotas, clock, 101)).quota == "stored_bytes"
