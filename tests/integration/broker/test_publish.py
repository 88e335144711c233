"""Publish over real gRPC and a real Valkey."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from latentflow.errors import (
    FrameCorrupt,
    FrameOutOfOrder,
    FrameTooLarge,
    InvalidInput,
    LatentClosed,
    LatentExists,
    LatentExpired,
    MessageMalformed,
    QuotaExceeded,
    StreamMismatch,
)
from latentflow.latent import MAX_FRAME_BYTES, Digest, Frame, LatentState
from latentflow.relay import Abort, GivenUp, Open, Opened, Progress, Stored
from latentflow.wire.checksum import crc32c
from latentflow.wire.manifests import manifest_to_bytes
from services.broker.settings import Settings
from tests.integration.broker.running import TIMEOUT, Broker, Publisher, half_published
from tests.made_latents import LIFETIME_SECONDS, make_latent
from tests.manual_clock import ManualClock


async def test_latent_is_stored_and_read_back_byte_for_byte(
    broker: Broker, clock: ManualClock
) -> None:
    made = make_latent(clock())
    info = await broker.client.publish(made.manifest_bytes, made.frames, timeout=TIMEOUT)
    assert (info.state, info.commit) == (LatentState.COMMITTED, made.commit)
    assert await broker.read(made.latent_id) == [
        Open(manifest_bytes=made.manifest_bytes),
        *made.frames,
        made.commit,
    ]


async def test_every_step_is_answered_with_what_is_durable(
    broker: Broker, settings: Settings, clock: ManualClock
) -> None:
    made, publisher = make_latent(clock()), Publisher(broker)
    credit = settings.credit_bytes
    assert await publisher.open(made) == Opened(acknowledged_frames=0, credit_bytes=credit)
    for frame in made.frames:
        progress = Progress(acknowledged_frames=frame.index + 1, credit_bytes=credit)
        assert await publisher.say(frame) == progress
    stored = await publisher.say(made.commit)
    assert isinstance(stored, Stored)
    assert stored.latent.manifest == made.manifest


async def test_upload_goes_on_after_a_cut_without_losing_a_frame(
    broker: Broker, clock: ManualClock
) -> None:
    made, first = await half_published(broker, clock)
    first.cut()
    second = Publisher(broker)
    assert (await second.open(made)).acknowledged_frames == 1
    for frame in made.frames[1:]:
        await second.say(frame)
    await second.say(made.commit)
    assert (await broker.client.fetch(made.latent_id, timeout=TIMEOUT)).stream == made.stream


async def test_publishing_a_committed_latent_again_gives_the_same_commit(
    broker: Broker, clock: ManualClock
) -> None:
    made = make_latent(clock())
    await broker.publish(made)
    again = await broker.client.publish(made.manifest_bytes, made.frames, timeout=TIMEOUT)
    assert again.commit == made.commit


async def test_repeated_frame_is_acknowledged_and_not_stored_twice(
    broker: Broker, clock: ManualClock
) -> None:
    made, publisher = make_latent(clock()), Publisher(broker)
    await publisher.open(made)
    for frame in (made.frames[0], made.frames[0], *made.frames):
        await publisher.say(frame)
    await publisher.say(made.commit)
    assert (await broker.client.fetch(made.latent_id, timeout=TIMEOUT)).stream == made.stream


async def test_repeated_frame_with_other_content_is_refused(
    broker: Broker, clock: ManualClock
) -> None:
    made, publisher = await half_published(broker, clock)
    other = replace(made.frames[1], index=0)
    with pytest.raises(LatentExists):
        await publisher.say(other)


async def test_gap_is_refused_and_the_upload_can_go_on(broker: Broker, clock: ManualClock) -> None:
    made, publisher = make_latent(clock()), Publisher(broker)
    await publisher.open(made)
    with pytest.raises(FrameOutOfOrder) as refusal:
        await publisher.say(made.frames[1])
    assert (refusal.value.index, refusal.value.expected) == (1, 0)
    await broker.publish(made)


async def test_publisher_that_was_overtaken_is_told_where_it_stands(
    broker: Broker, clock: ManualClock
) -> None:
    made, slow, quick = make_latent(clock()), Publisher(broker), Publisher(broker)
    await slow.open(made)
    await quick.open(made)
    await quick.say(made.frames[0])
    await quick.say(made.frames[1])
    with pytest.raises(FrameOutOfOrder) as refusal:
        await slow.say(made.frames[2])
    assert refusal.value.expected == 0
    await quick.say(made.frames[2])
    await quick.say(made.commit)


async def test_corrupt_frame_is_refused_before_it_is_stored(
    broker: Broker, clock: ManualClock
) -> None:
    made, publisher = make_latent(clock()), Publisher(broker)
    await publisher.open(made)
    flipped = bytes([made.frames[0].payload[0] ^ 1]) + made.frames[0].payload[1:]
    with pytest.raises(FrameCorrupt) as refusal:
        await publisher.say(replace(made.frames[0], payload=flipped))
    assert refusal.value.index == 0
    assert (await Publisher(broker).open(made)).acknowledged_frames == 0


async def test_frame_over_the_limit_is_refused(broker: Broker, clock: ManualClock) -> None:
    made, publisher = make_latent(clock()), Publisher(broker)
    await publisher.open(made)
    payload = bytes(MAX_FRAME_BYTES + 1)
    with pytest.raises(FrameTooLarge):
        await publisher.say(Frame(index=0, payload=payload, raw_bytes=1, crc32c=crc32c(payload)))


async def test_latent_over_its_limit_is_refused(
    broker: Broker, settings: Settings, clock: ManualClock
) -> None:
    made = make_latent(clock(), stream_bytes=700_000, frame_bytes=250_000)
    assert made.commit.payload_bytes > settings.max_latent_bytes
    with pytest.raises(QuotaExceeded) as refusal:
        await broker.publish(made)
    assert refusal.value.limit == settings.max_latent_bytes


@pytest.mark.parametrize(
    ("field", "wrong"), [("frames", 99), ("payload_bytes", 99), ("sha256", Digest("0" * 64))]
)
async def test_commit_that_does_not_match_is_refused_and_the_right_one_taken(
    broker: Broker, clock: ManualClock, field: str, wrong: Any
) -> None:
    made, publisher = make_latent(clock()), Publisher(broker)
    await publisher.open(made)
    for frame in made.frames:
        await publisher.say(frame)
    with pytest.raises(StreamMismatch) as refusal:
        await publisher.say(replace(made.commit, **{field: wrong}))
    assert refusal.value.field == field
    assert (await broker.client.get_latent(made.latent_id, timeout=TIMEOUT)).commit is None
    await broker.publish(made)


async def test_digest_covers_frames_of_an_earlier_attempt(
    broker: Broker, clock: ManualClock
) -> None:
    made, first, second = make_latent(clock()), Publisher(broker), Publisher(broker)
    await first.open(made)
    for frame in made.frames:
        await first.say(frame)
    await second.open(made)
    with pytest.raises(StreamMismatch) as refusal:
        await second.say(replace(made.commit, sha256=Digest("0" * 64)))
    assert refusal.value.actual == made.commit.sha256


async def test_other_manifest_under_the_same_id_is_refused(
    broker: Broker, clock: ManualClock
) -> None:
    made, other = make_latent(clock()), make_latent(clock())
    await broker.publish(made)
    stolen = replace(other.manifest, latent_id=made.latent_id)
    with pytest.raises(LatentExists):
        await broker.publish(replace(other, manifest_bytes=manifest_to_bytes(stolen)))


async def test_aborted_latent_takes_nothing_more(broker: Broker, clock: ManualClock) -> None:
    made, publisher = make_latent(clock()), Publisher(broker)
    await publisher.open(made)
    assert await publisher.say(Abort(problem="SHARER_FAILED")) == GivenUp()
    with pytest.raises(LatentClosed) as refusal:
        await Publisher(broker).open(made)
    assert refusal.value.state == "aborted"


async def test_upload_past_its_lease_is_closed(
    broker: Broker, settings: Settings, clock: ManualClock
) -> None:
    made, publisher = make_latent(clock()), Publisher(broker)
    await publisher.open(made)
    clock.advance(seconds=settings.upload_lease_seconds + 1)
    with pytest.raises(LatentClosed):
        await publisher.say(made.frames[0])


async def test_latent_that_has_expired_already_is_refused(
    broker: Broker, clock: ManualClock
) -> None:
    made = make_latent(clock())
    clock.advance(seconds=LIFETIME_SECONDS)
    with pytest.raises(LatentExpired):
        await broker.publish(made)


async def test_latent_from_a_far_future_is_refused(broker: Broker, clock: ManualClock) -> None:
    made = make_latent(clock() + 30 * 24 * 3600 * 1000)
    with pytest.raises(InvalidInput) as refusal:
        await broker.publish(made)
    assert refusal.value.field == "expire_time"


async def test_manifest_that_is_none_is_refused(broker: Broker) -> None:
    with pytest.raises(MessageMalformed) as refusal:
        await Publisher(broker).say(Open(manifest_bytes=b"\xff\xff"))
    assert refusal.value.field == "manifest"


async def test_frame_before_open_is_refused(broker: Broker, clock: ManualClock) -> None:
    with pytest.raises(MessageMalformed):
        await Publisher(broker).say(make_latent(clock()).frames[0])


async def test_second_open_is_refused(broker: Broker, clock: ManualClock) -> None:
    made, publisher = make_latent(clock()), Publisher(broker)
    await publisher.open(made)
    with pytest.raises(MessageMalformed):
        await publisher.open(made)


async def test_upload_without_an_end_is_malformed_and_can_go_on(
    broker: Broker, clock: ManualClock
) -> None:
    made, publisher = await half_published(broker, clock)
    with pytest.raises(MessageMalformed):
        await publisher.hang_up()
    assert (await Publisher(broker).open(made)).acknowledged_frames == 1


async def test_many_publishers_of_one_latent_store_it_once(
    broker: Broker, clock: ManualClock
) -> None:
    made = make_latent(clock())
    publishing = (
        broker.client.publish(made.manifest_bytes, made.frames, timeout=TIMEOUT) for _ in range(4)
    )
    infos = await asyncio.gather(*publishing)
    assert {info.commit for info in infos} == {made.commit}
    assert (await broker.client.fetch(made.latent_id, timeout=TIMEOUT)).stream == made.stream
