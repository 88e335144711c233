"""A store that lost frames it had acknowledged: nobody is told that all is well."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from latentflow.errors import LatentIncomplete, StreamMismatch
from latentflow.latent import Frame
from latentflow.rpc.auth_interceptor import DEFAULT_TENANT
from latentflow.rpc.broker_client import BrokerClient
from services.broker.keys import latent_keys
from services.broker.record import LatentRef
from tests.integration.broker.running import TIMEOUT, Broker, Publisher, half_published
from tests.made_latents import MadeLatent, make_latent
from tests.manual_clock import ManualClock
from tests.store_servers import StoreServer


def lose_frames(valkey: StoreServer, made: MadeLatent) -> None:
    ref = LatentRef(tenant=DEFAULT_TENANT, latent_id=made.latent_id)
    with valkey.client() as client:
        assert client.delete(latent_keys(ref).frames) == 1


async def test_reader_of_a_committed_latent_hears_that_it_is_incomplete(
    broker: Broker, valkey: StoreServer, clock: ManualClock
) -> None:
    made = make_latent(clock())
    await broker.publish(made)
    lose_frames(valkey, made)
    with pytest.raises(LatentIncomplete):
        await broker.read(made.latent_id)


async def test_upload_is_not_resumed(
    broker: Broker, valkey: StoreServer, clock: ManualClock
) -> None:
    made, _ = await half_published(broker, clock)
    lose_frames(valkey, made)
    with pytest.raises(LatentIncomplete):
        await Publisher(broker).open(made)


async def test_upload_is_not_committed(
    broker: Broker, valkey: StoreServer, clock: ManualClock
) -> None:
    made, publisher = await half_published(broker, clock)
    lose_frames(valkey, made)
    for frame in made.frames[1:]:
        await publisher.say(frame)
    with pytest.raises(LatentIncomplete):
        await publisher.say(made.commit)


async def test_publisher_gives_again_what_a_failover_has_lost(
    broker: Broker, valkey: StoreServer, clock: ManualClock
) -> None:
    """The store goes back to where it was one frame in, as a replica that was behind does."""
    made = make_latent(clock(), stream_bytes=40_000, frame_bytes=10_000)
    keys = latent_keys(LatentRef(tenant=DEFAULT_TENANT, latent_id=made.latent_id))
    heard: asyncio.Queue[int] = asyncio.Queue()

    async def acknowledged(frames: int) -> None:
        while await asyncio.wait_for(heard.get(), TIMEOUT) < frames:
            pass

    async def frames() -> AsyncIterator[Frame]:
        with valkey.client() as store:
            yield made.frames[0]
            await acknowledged(1)
            behind = {key: store.dump(key) for key in (keys.record, keys.frames)}
            yield made.frames[1]
            yield made.frames[2]
            await acknowledged(3)
            for key, dumped in behind.items():
                store.restore(key, 60_000, dumped, replace=True)
            yield made.frames[3]

    info = await BrokerClient(broker.channel).publish(
        made.manifest_bytes, frames(), timeout=TIMEOUT, on_acknowledged=heard.put_nowait
    )
    assert info.commit == made.commit
    assert (await broker.client.fetch(made.latent_id, timeout=TIMEOUT)).stream == made.stream


async def test_whole_latent_that_was_stored_otherwise_is_not_committed_again(
    broker: Broker, valkey: StoreServer, clock: ManualClock
) -> None:
    """As when its bytes changed between broker and store, before anybody could know."""
    made = make_latent(clock())
    await Publisher(broker).say(made.whole)
    key = latent_keys(LatentRef(tenant=DEFAULT_TENANT, latent_id=made.latent_id)).frames
    with valkey.client() as store:
        entries = store.xrange(key)
        store.delete(key)
        for entry_id, fields in entries:
            changed = {
                name: value.replace(b"\x28\xb5", b"\x28\xb4") for name, value in fields.items()
            }
            store.xadd(key, changed, id=entry_id)
    with pytest.raises(StreamMismatch):
        await Publisher(broker).say(made.whole)
