"""Subscribe over real gRPC and a real Valkey."""

import asyncio
from collections.abc import AsyncGenerator

import pytest

from latentflow.errors import (
    LatentExpired,
    LatentFailed,
    LatentIncomplete,
    LatentRevoked,
    UnknownLatent,
)
from latentflow.latent import LatentState, new_latent_id
from latentflow.relay import Abort, Open, StreamStep
from services.broker.settings import Settings
from tests.integration.broker.running import TIMEOUT, Broker, Publisher, half_published
from tests.made_latents import LIFETIME_SECONDS, MadeLatent, make_latent
from tests.manual_clock import ManualClock


async def following(broker: Broker, made: MadeLatent) -> AsyncGenerator[StreamStep, None]:
    """A reader of a half published latent who has all there is, and waits for more."""
    steps = broker.client.subscribe(made.latent_id, timeout=TIMEOUT)
    assert await anext(steps) == Open(manifest_bytes=made.manifest_bytes)
    assert await anext(steps) == made.frames[0]
    return steps


async def test_frames_are_followed_while_they_are_published(
    broker: Broker, clock: ManualClock
) -> None:
    made, publisher = await half_published(broker, clock)
    steps = await following(broker, made)
    for frame in made.frames[1:]:
        reading = asyncio.create_task(anext(steps))
        await publisher.say(frame)
        assert await reading == frame
    await publisher.say(made.commit)
    assert await anext(steps) == made.commit
    await steps.aclose()


async def test_reading_goes_on_from_any_frame(broker: Broker, clock: ManualClock) -> None:
    made = make_latent(clock())
    await broker.publish(made)
    for first_frame in range(len(made.frames) + 1):
        steps = await broker.read(made.latent_id, first_frame=first_frame)
        assert steps == [
            Open(manifest_bytes=made.manifest_bytes),
            *made.frames[first_frame:],
            made.commit,
        ]


async def test_long_latent_is_read_in_order(broker: Broker, clock: ManualClock) -> None:
    made = make_latent(clock(), stream_bytes=30_000, frame_bytes=300)
    await broker.publish(made)
    assert (await broker.read(made.latent_id))[1:] == [*made.frames, made.commit]


async def test_many_subscribers_follow_one_upload(broker: Broker, clock: ManualClock) -> None:
    made, publisher = await half_published(broker, clock)
    readers = [
        asyncio.create_task(broker.client.fetch(made.latent_id, timeout=TIMEOUT)) for _ in range(32)
    ]
    for frame in made.frames[1:]:
        await publisher.say(frame)
    await publisher.say(made.commit)
    for fetched in await asyncio.gather(*readers):
        assert fetched.stream == made.stream


async def test_latent_that_never_was_is_unknown(broker: Broker) -> None:
    with pytest.raises(UnknownLatent):
        await broker.read(new_latent_id(now_ms=1, entropy=bytes(10)))


async def test_revocation_reaches_a_subscriber_that_waits(
    broker: Broker, clock: ManualClock
) -> None:
    made, _ = await half_published(broker, clock)
    steps = await following(broker, made)
    await broker.admin.revoke(made.latent_id, timeout=TIMEOUT)
    with pytest.raises(LatentRevoked):
        await anext(steps)


async def test_revoked_latent_is_not_delivered(broker: Broker, clock: ManualClock) -> None:
    made = make_latent(clock())
    await broker.publish(made)
    await broker.admin.revoke(made.latent_id, timeout=TIMEOUT)
    with pytest.raises(LatentRevoked):
        await broker.read(made.latent_id)


async def test_abort_reaches_subscribers_with_its_words(broker: Broker, clock: ManualClock) -> None:
    made, publisher = await half_published(broker, clock)
    steps = await following(broker, made)
    await publisher.say(Abort(problem="SHARER_FAILED"))
    with pytest.raises(LatentFailed) as failure:
        await anext(steps)
    assert failure.value.problem == "SHARER_FAILED"
    with pytest.raises(LatentFailed):
        await broker.read(made.latent_id)


async def test_upload_that_stopped_is_incomplete_to_its_subscribers(
    broker: Broker, settings: Settings, clock: ManualClock
) -> None:
    made, publisher = await half_published(broker, clock)
    steps = await following(broker, made)
    publisher.cut()
    clock.advance(seconds=settings.upload_lease_seconds + 1)
    with pytest.raises(LatentIncomplete) as failure:
        await anext(steps)
    assert failure.value.frames == 1
    info = await broker.client.get_latent(made.latent_id, timeout=TIMEOUT)
    assert info.state is LatentState.ABORTED


async def test_upload_within_its_lease_keeps_its_subscribers(
    broker: Broker, settings: Settings, clock: ManualClock
) -> None:
    made, publisher = await half_published(broker, clock)
    steps = await following(broker, made)
    clock.advance(seconds=settings.upload_lease_seconds)
    await publisher.say(made.frames[1])
    assert await anext(steps) == made.frames[1]
    clock.advance(seconds=settings.upload_lease_seconds)
    await publisher.say(made.frames[2])
    assert await anext(steps) == made.frames[2]
    await steps.aclose()


async def test_expired_latent_is_not_delivered(broker: Broker, clock: ManualClock) -> None:
    made = make_latent(clock())
    await broker.publish(made)
    clock.advance(seconds=LIFETIME_SECONDS)
    with pytest.raises(LatentExpired) as failure:
        await broker.read(made.latent_id)
    assert failure.value.expired_ms == made.manifest.expires_ms


async def test_upload_that_expires_under_its_subscribers_says_so(
    broker: Broker, settings: Settings, clock: ManualClock
) -> None:
    made = make_latent(clock(), lifetime_seconds=round(settings.upload_lease_seconds / 2))
    publisher = Publisher(broker)
    await publisher.open(made)
    await publisher.say(made.frames[0])
    steps = await following(broker, made)
    clock.advance(seconds=settings.upload_lease_seconds / 2)
    with pytest.raises(LatentExpired):
        await anext(steps)
