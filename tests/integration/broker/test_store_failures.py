"""What callers see, and what they keep, when the store is full or gone."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import replace

import pytest

from latentflow.errors import StoreFull, StoreUnavailable
from latentflow.relay import ListCall, WatchCall
from services.broker.settings import Settings
from tests.integration.broker.running import (
    TIMEOUT,
    Broker,
    Publisher,
    half_published,
    running_broker,
)
from tests.made_latents import make_latent
from tests.manual_clock import ManualClock
from tests.store_servers import StoreServer, binaries

FOUR_MIB = 4 * 1024 * 1024


@pytest.fixture(params=binaries())
def store(request: pytest.FixtureRequest) -> Iterator[StoreServer]:
    """A server of the test's own, empty and with room for a few latents."""
    server = StoreServer(binaries()[request.param], maxmemory=str(FOUR_MIB)).start()
    yield server
    server.remove()


@pytest.fixture
async def broker(
    settings: Settings, store: StoreServer, clock: ManualClock
) -> AsyncIterator[Broker]:
    own = replace(settings, store_url=store.url, max_latent_bytes=2 * FOUR_MIB)
    async with running_broker(own, clock) as running:
        yield running


async def fill(broker: Broker, clock: ManualClock) -> None:
    """Publishes until the store refuses."""
    for _ in range(64):
        try:
            await broker.publish(make_latent(clock(), stream_bytes=500_000, frame_bytes=50_000))
        except StoreFull:
            return
    pytest.fail("the store never was full")


async def test_full_store_refuses_with_a_delay_and_keeps_what_it_acknowledged(
    broker: Broker, clock: ManualClock
) -> None:
    made, _ = await half_published(broker, clock)
    await fill(broker, clock)
    with pytest.raises(StoreFull) as refusal:
        await broker.publish(make_latent(clock(), stream_bytes=500_000, frame_bytes=250_000))
    assert refusal.value.retry_after_seconds > 0
    info = await broker.client.get_latent(made.latent_id, timeout=TIMEOUT)
    assert info.frames == 1


async def test_full_store_still_delivers_what_it_has(broker: Broker, clock: ManualClock) -> None:
    made = make_latent(clock())
    await broker.publish(made)
    await fill(broker, clock)
    assert (await broker.client.fetch(made.latent_id, timeout=TIMEOUT)).stream == made.stream


async def test_revoking_makes_room_in_a_full_store(broker: Broker, clock: ManualClock) -> None:
    await fill(broker, clock)
    page = await broker.admin.list_latents(ListCall(), timeout=TIMEOUT)
    for info in page.latents:
        await broker.admin.revoke(info.manifest.latent_id, timeout=TIMEOUT)
    await broker.publish(make_latent(clock()))


async def test_store_that_is_down_is_unavailable_to_every_call(
    broker: Broker, store: StoreServer, clock: ManualClock
) -> None:
    made = make_latent(clock())
    store.stop()
    with pytest.raises(StoreUnavailable):
        await broker.publish(made)
    with pytest.raises(StoreUnavailable):
        await broker.read(made.latent_id)
    with pytest.raises(StoreUnavailable):
        await broker.admin.list_latents(ListCall(), timeout=TIMEOUT)
    with pytest.raises(StoreUnavailable):
        await broker.admin.revoke(made.latent_id, timeout=TIMEOUT)
    with pytest.raises(StoreUnavailable):
        await anext(broker.client.watch(WatchCall(flow=made.manifest.flow), timeout=TIMEOUT))


async def test_broker_works_again_when_its_store_is_back(
    broker: Broker, store: StoreServer, clock: ManualClock
) -> None:
    """Also with connections of before, and although the new server knows none of the scripts."""
    await broker.publish(make_latent(clock()))
    store.stop()
    store.start()
    made = make_latent(clock())
    await broker.publish(made)
    assert (await broker.client.fetch(made.latent_id, timeout=TIMEOUT)).stream == made.stream


async def test_subscriber_that_waits_hears_that_the_store_is_gone(
    broker: Broker, store: StoreServer, clock: ManualClock
) -> None:
    made, publisher = make_latent(clock()), Publisher(broker)
    await publisher.open(made)
    steps = broker.client.subscribe(made.latent_id, timeout=TIMEOUT)
    await anext(steps)
    store.stop()
    with pytest.raises(StoreUnavailable):
        await anext(steps)


async def test_store_that_wants_replicas_first_is_not_there(
    broker: Broker, store: StoreServer, clock: ManualClock
) -> None:
    with store.client() as client:
        client.config_set("min-replicas-to-write", "1")
    with pytest.raises(StoreUnavailable):
        await broker.publish(make_latent(clock()))
