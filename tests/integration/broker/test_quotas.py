"""A tenant's quotas over real gRPC: refused with what and when, and given back."""

from collections.abc import AsyncIterator
from dataclasses import replace

import grpc
import pytest
from google.rpc.error_details_pb2 import QuotaFailure, RetryInfo
from google.rpc.status_pb2 import Status

from latentflow.errors import LatentClosed, QuotaExceeded
from latentflow.relay import Open
from latentflow.wire.publish import publish_step_to_proto
from services.broker.quotas import STEP_BYTES
from services.broker.settings import Settings
from tests.integration.broker.running import TIMEOUT, Broker, Publisher, running_broker
from tests.made_latents import make_latent
from tests.manual_clock import ManualClock

UPLOADS = 3


@pytest.fixture
async def broker(clock: ManualClock) -> AsyncIterator[Broker]:
    """In memory, so that no other test's latents count."""
    settings = Settings(
        port=0,
        admin_port=0,
        store_url="memory://",
        tenant_bytes=2 * STEP_BYTES,
        tenant_uploads=UPLOADS,
        longest_wait_seconds=0.05,
        grace_seconds=0.2,
    )
    async with running_broker(settings, clock) as running:
        yield running


async def test_a_tenant_stores_no_more_than_its_bytes(broker: Broker, clock: ManualClock) -> None:
    made = make_latent(clock(), stream_bytes=300_000, frame_bytes=100_000)
    await broker.publish(made)
    with pytest.raises(QuotaExceeded) as refusal:
        await broker.publish(make_latent(clock(), stream_bytes=300_000, frame_bytes=100_000))
    assert refusal.value.quota == "stored_bytes"
    await broker.admin.revoke(made.latent_id, timeout=TIMEOUT)
    await broker.publish(make_latent(clock(), stream_bytes=300_000, frame_bytes=100_000))


async def test_what_expires_makes_room(broker: Broker, clock: ManualClock) -> None:
    made = make_latent(clock(), stream_bytes=300_000, frame_bytes=100_000, lifetime_seconds=60)
    await broker.publish(made)
    clock.advance(seconds=200)
    await broker.publish(make_latent(clock(), stream_bytes=300_000, frame_bytes=100_000))


async def test_a_small_latent_counts_for_its_size(broker: Broker, clock: ManualClock) -> None:
    for _ in range(20):
        await broker.publish(make_latent(clock()))


async def test_a_resumed_upload_is_not_another_one(broker: Broker, clock: ManualClock) -> None:
    made = make_latent(clock())
    for _ in range(2 * UPLOADS):
        publisher = Publisher(broker)
        await publisher.open(made)
        publisher.cut()


async def test_a_refusal_says_which_quota_and_when_to_come_again(
    broker: Broker, clock: ManualClock
) -> None:
    for _ in range(UPLOADS):
        await Publisher(broker).open(make_latent(clock()))
    call = broker.stub.Publish(timeout=TIMEOUT)
    refused = make_latent(clock())
    await call.write(publish_step_to_proto(Open(manifest_bytes=refused.manifest_bytes)))
    with pytest.raises(grpc.aio.AioRpcError):
        await call.read()
    assert await call.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    packed = dict(await call.trailing_metadata())["grpc-status-details-bin"]
    assert isinstance(packed, bytes)
    details = {each.TypeName(): each for each in Status.FromString(packed).details}
    failure, retry = QuotaFailure(), RetryInfo()
    assert details[failure.DESCRIPTOR.full_name].Unpack(failure)
    assert details[retry.DESCRIPTOR.full_name].Unpack(retry)
    assert failure.violations[0].subject == "quota:open_uploads"
    assert retry.retry_delay.ToMilliseconds() > 0


async def test_publishes_keep_their_pace(settings: Settings, clock: ManualClock) -> None:
    paced = replace(settings, store_url="memory://", tenant_publishes_per_second=2.0)
    async with running_broker(paced, clock) as broker:
        for _ in range(2):
            await broker.publish(make_latent(clock()))
        with pytest.raises(QuotaExceeded, match="publishes_per_second"):
            await broker.publish(make_latent(clock()))
        clock.advance(seconds=0.5)
        await broker.publish(make_latent(clock()))


async def test_opening_a_complete_latent_again_makes_no_room(
    broker: Broker, clock: ManualClock
) -> None:
    made = make_latent(clock(), stream_bytes=300_000, frame_bytes=100_000)
    await broker.publish(made)
    publisher = Publisher(broker)
    await publisher.open(made)
    publisher.cut()
    clock.advance(seconds=200)
    with pytest.raises(QuotaExceeded, match="stored_bytes"):
        await broker.publish(make_latent(clock(), stream_bytes=300_000, frame_bytes=100_000))


async def test_an_opening_that_is_refused_holds_no_place(
    broker: Broker, clock: ManualClock
) -> None:
    made = make_latent(clock())
    await broker.publish(made)
    await broker.admin.revoke(made.latent_id, timeout=TIMEOUT)
    for _ in range(2 * UPLOADS):
        with pytest.raises(LatentClosed):
            await broker.publish(made)
    await broker.publish(make_latent(clock()))


async def test_a_commit_that_is_refused_counts_for_nothing(
    broker: Broker, clock: ManualClock
) -> None:
    made = make_latent(clock(), stream_bytes=300_000, frame_bytes=100_000)
    publisher = Publisher(broker)
    await publisher.open(made)
    for frame in made.frames:
        await publisher.say(frame)
    await broker.admin.revoke(made.latent_id, timeout=TIMEOUT)
    with pytest.raises(LatentClosed):
        await publisher.say(made.commit)
    await broker.publish(make_latent(clock(), stream_bytes=500_000, frame_bytes=100_000))
