"""A store that lost frames it had acknowledged: nobody is told that all is well."""

import pytest

from latentflow.errors import LatentIncomplete
from latentflow.rpc.auth_interceptor import DEFAULT_TENANT
from services.broker.keys import latent_keys
from services.broker.record import LatentRef
from tests.integration.broker.running import Broker, Publisher
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
    made, publisher = make_latent(clock()), Publisher(broker)
    await publisher.open(made)
    await publisher.say(made.frames[0])
    lose_frames(valkey, made)
    with pytest.raises(LatentIncomplete):
        await Publisher(broker).open(made)


async def test_upload_is_not_committed(
    broker: Broker, valkey: StoreServer, clock: ManualClock
) -> None:
    made, publisher = make_latent(clock()), Publisher(broker)
    await publisher.open(made)
    await publisher.say(made.frames[0])
    lose_frames(valkey, made)
    for frame in made.frames[1:]:
        await publisher.say(frame)
    with pytest.raises(LatentIncomplete):
        await publisher.say(made.commit)
