"""The client keeps its side of the broker's contract: credit, order, resuming, aborting."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pytest

from latentflow.errors import (
    BrokerUnavailable,
    DeadlineExpired,
    FrameCorrupt,
    InvalidInput,
    LatentFlowError,
    QuotaExceeded,
    StoreUnavailable,
    StreamMismatch,
    UnknownLatent,
)
from latentflow.latent import Commit, FlowName, Frame, LatentState, Manifest
from latentflow.relay import AckCall, ListCall, Open, WatchCall
from latentflow.rpc.broker_client import BrokerClient
from latentflow.rpc.channel import open_channel
from latentflow.rpc.deadline import RetryPolicy
from tests.integration.rpc.cable import Cable, cable_to
from tests.integration.rpc.fake_broker import FakeBroker
from tests.integration.rpc.latents import Sealed, sealed
from tests.integration.rpc.probe import served
from tests.integration.rpc.spans import Spans

TIMEOUT = 30.0
MEGABYTE = sealed(kilobytes=1024)
SMALL = sealed(kilobytes=3, frame_bytes=1024)
EAGER = RetryPolicy(attempts=8, first_seconds=0.01, longest_seconds=0.5)


@dataclass(frozen=True, slots=True)
class There:
    broker: FakeBroker
    client: BrokerClient
    cable: Cable


@pytest.fixture
async def there() -> AsyncIterator[There]:
    async with broker_there(FakeBroker()) as there:
        yield there


@asynccontextmanager
async def broker_there(broker: FakeBroker) -> AsyncIterator[There]:
    async with (
        served(broker.registration()) as serving,
        cable_to(serving.server.port) as cable,
        open_channel(f"127.0.0.1:{cable.port}") as channel,
    ):
        yield There(broker, BrokerClient(channel, retry=EAGER), cable)


async def one_by_one(frames: list[Frame]) -> AsyncIterator[Frame]:
    """Frames that are still being made while the first ones travel."""
    for frame in frames:
        await asyncio.sleep(0)
        yield frame


def stored(broker: FakeBroker, latent: Sealed) -> list[Frame]:
    return broker.latents[latent.latent_id].frames


# --- publish --------------------------------------------------------------------------------


async def test_a_megabyte_is_published_within_a_credit_of_64_kilobytes(there: There) -> None:
    info = await there.client.publish(MEGABYTE.manifest_bytes, MEGABYTE.frames, timeout=TIMEOUT)
    assert info.state is LatentState.COMMITTED
    assert info.commit == MEGABYTE.commit
    assert stored(there.broker, MEGABYTE) == MEGABYTE.frames
    assert 32 * 1024 < there.broker.most_unacknowledged_bytes <= 64 * 1024


async def test_frames_may_still_be_made_while_the_first_ones_travel(there: There) -> None:
    frames = one_by_one(MEGABYTE.frames)
    info = await there.client.publish(MEGABYTE.manifest_bytes, frames, timeout=TIMEOUT)
    assert info.commit == MEGABYTE.commit


async def test_progress_is_told_as_it_is_made(there: There) -> None:
    told: list[int] = []
    await there.client.publish(
        MEGABYTE.manifest_bytes, MEGABYTE.frames, timeout=TIMEOUT, on_acknowledged=told.append
    )
    assert told == sorted(told)
    assert len(set(told)) > 5
    assert told[-1] <= len(MEGABYTE.frames)


async def test_a_broken_connection_is_resumed_where_the_broker_is(there: There) -> None:
    there.broker.on_frame_stored = cut_at(there.cable, 5, 20, 21, 63)
    info = await there.client.publish(MEGABYTE.manifest_bytes, MEGABYTE.frames, timeout=TIMEOUT)
    assert info.commit == MEGABYTE.commit
    assert stored(there.broker, MEGABYTE) == MEGABYTE.frames
    assert there.cable.cuts == 4
    assert 1 < there.broker.opened <= 5
    assert there.broker.frames_received < 2 * len(MEGABYTE.frames)


def cut_at(cable: Cable, *indices: int) -> "CutOnce":
    return CutOnce(cable, set(indices))


class CutOnce:
    """Cuts the cable when one of the indices comes by, once for each."""

    def __init__(self, cable: Cable, indices: set[int]) -> None:
        self._cable = cable
        self._indices = indices

    def __call__(self, index: int) -> None:
        if index in self._indices:
            self._indices.remove(index)
            self._cable.cut()


async def test_publishing_again_sends_nothing_twice(there: There) -> None:
    for _ in range(2):
        info = await there.client.publish(SMALL.manifest_bytes, SMALL.frames, timeout=TIMEOUT)
        assert info.commit == SMALL.commit
    assert there.broker.frames_received == len(SMALL.frames)


async def test_an_unavailable_store_is_tried_again(there: There) -> None:
    there.broker.failures = [StoreUnavailable(retry_after_seconds=0.1)]
    info = await there.client.publish(SMALL.manifest_bytes, SMALL.frames, timeout=TIMEOUT)
    assert info.commit == SMALL.commit


@pytest.mark.parametrize(
    "failure",
    [
        FrameCorrupt(index=0, problem="its CRC-32C differs"),
        QuotaExceeded(quota="bytes", limit=1, retry_after_seconds=9.0),
    ],
    ids=lambda failure: type(failure).__name__,
)
async def test_what_the_broker_refuses_is_raised_and_not_tried_again(
    there: There, failure: LatentFlowError
) -> None:
    there.broker.failures = [failure]
    with pytest.raises(type(failure)) as raised:
        await there.client.publish(MEGABYTE.manifest_bytes, MEGABYTE.frames, timeout=TIMEOUT)
    assert raised.value.details() == failure.details()
    assert there.broker.opened == 1


async def test_a_source_that_fails_aborts_the_latent_and_is_raised(there: There) -> None:
    async def failing() -> AsyncIterator[Frame]:
        yield SMALL.frames[0]
        raise ValueError("secret")

    with pytest.raises(ValueError, match="secret"):
        await there.client.publish(SMALL.manifest_bytes, failing(), timeout=TIMEOUT)
    assert await there.broker.aborted == "INTERNAL_ERROR"


async def test_a_typed_failure_of_the_source_is_the_readers_reason(there: There) -> None:
    async def failing() -> AsyncIterator[Frame]:
        yield SMALL.frames[0]
        raise DeadlineExpired

    with pytest.raises(DeadlineExpired):
        await there.client.publish(SMALL.manifest_bytes, failing(), timeout=TIMEOUT)
    assert await there.broker.aborted == "DEADLINE_EXPIRED"


async def test_a_source_without_frames_aborts_the_latent(there: There) -> None:
    with pytest.raises(InvalidInput):
        await there.client.publish(SMALL.manifest_bytes, [], timeout=TIMEOUT)
    assert await there.broker.aborted == "INVALID_INPUT"


async def test_a_cancelled_publisher_aborts_the_latent(there: There) -> None:
    publishing = asyncio.create_task(
        there.client.publish(SMALL.manifest_bytes, endless(SMALL.frames), timeout=TIMEOUT)
    )
    await asyncio.wait_for(there.broker.first_frame.wait(), TIMEOUT)
    publishing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await publishing
    assert await there.broker.aborted == "CANCELLED"


async def endless(frames: list[Frame]) -> AsyncIterator[Frame]:
    for frame in frames:
        yield frame
    await asyncio.Future[None]()


async def test_a_timeout_leaves_the_latent_open_for_another_attempt(there: There) -> None:
    with pytest.raises(DeadlineExpired):
        await there.client.publish(SMALL.manifest_bytes, endless(SMALL.frames), timeout=0.3)
    assert not there.broker.aborted.done()
    info = await there.client.publish(SMALL.manifest_bytes, SMALL.frames, timeout=TIMEOUT)
    assert info.commit == SMALL.commit


# --- subscribe and fetch --------------------------------------------------------------------


async def test_a_subscriber_reads_manifest_frames_and_commit(there: There) -> None:
    latent_id = there.broker.hold(SMALL.manifest_bytes, SMALL.frames, SMALL.commit)
    steps = [step async for step in there.client.subscribe(latent_id, timeout=TIMEOUT)]
    assert steps == [Open(manifest_bytes=SMALL.manifest_bytes), *SMALL.frames, SMALL.commit]


async def test_a_subscriber_starts_at_the_frame_it_wants(there: There) -> None:
    latent_id = there.broker.hold(SMALL.manifest_bytes, SMALL.frames, SMALL.commit)
    steps = there.client.subscribe(latent_id, first_frame=2, timeout=TIMEOUT)
    assert [step async for step in steps if isinstance(step, Frame)] == SMALL.frames[2:]


async def test_a_broken_connection_loses_and_repeats_nothing(there: There) -> None:
    latent_id = there.broker.hold(MEGABYTE.manifest_bytes, MEGABYTE.frames, MEGABYTE.commit)
    there.broker.on_frame_sent = cut_at(there.cable, 3, 30, 50, 51)
    steps = [step async for step in there.client.subscribe(latent_id, timeout=TIMEOUT)]
    assert steps[0] == Open(manifest_bytes=MEGABYTE.manifest_bytes)
    assert steps[1:-1] == MEGABYTE.frames
    assert steps[-1] == MEGABYTE.commit
    assert there.cable.cuts == 4
    assert there.broker.subscribed > 1


async def test_a_fetched_latent_is_whole_and_counted(there: There) -> None:
    latent_id = there.broker.hold(MEGABYTE.manifest_bytes, MEGABYTE.frames, MEGABYTE.commit)
    manifest, stream, wire_bytes = await there.client.fetch(latent_id, timeout=TIMEOUT)
    assert manifest.latent_id == latent_id
    assert stream == MEGABYTE.stream
    assert wire_bytes == len(MEGABYTE.manifest_bytes) + MEGABYTE.commit.payload_bytes


async def test_a_commit_that_does_not_match_gives_no_stream(there: There) -> None:
    other = Commit(
        frames=len(SMALL.frames),
        payload_bytes=SMALL.commit.payload_bytes,
        sha256=MEGABYTE.commit.sha256,
    )
    latent_id = there.broker.hold(SMALL.manifest_bytes, SMALL.frames, other)
    with pytest.raises(StreamMismatch, match="sha256"):
        await there.client.fetch(latent_id, timeout=TIMEOUT)


async def test_a_latent_that_is_not_admitted_costs_its_manifest_only(there: There) -> None:
    latent_id = there.broker.hold(MEGABYTE.manifest_bytes, MEGABYTE.frames, MEGABYTE.commit)

    def refuse(manifest: Manifest) -> None:
        raise InvalidInput(field="layout", problem="too large")

    with pytest.raises(InvalidInput, match="too large"):
        await there.client.fetch(latent_id, timeout=TIMEOUT, admit=refuse)


async def test_an_unknown_latent_is_named(there: There) -> None:
    with pytest.raises(UnknownLatent, match=SMALL.latent_id):
        await there.client.fetch(SMALL.latent_id, timeout=TIMEOUT)


# --- the rest -------------------------------------------------------------------------------


async def test_flows_and_lists_speak_in_domain_values(there: There) -> None:
    latent_id = there.broker.hold(SMALL.manifest_bytes, SMALL.frames, SMALL.commit)
    flow = FlowName("memos")
    info = await there.client.get_latent(latent_id, timeout=TIMEOUT)
    page = await there.client.list_latents(ListCall(flow=flow), timeout=TIMEOUT)
    watch = WatchCall(flow=flow, group="g", consumer="c")
    (delivery,) = [each async for each in there.client.watch(watch, timeout=TIMEOUT)]
    ack = AckCall(flow=flow, group="g", delivery_ids=(delivery.delivery_id,))
    assert await there.client.ack(ack, timeout=TIMEOUT) == 1
    assert page.latents == (info,)
    assert delivery.latent == info
    assert info.manifest.latent_id == latent_id


async def test_a_revoked_latent_is_gone(there: There) -> None:
    latent_id = there.broker.hold(SMALL.manifest_bytes, SMALL.frames, SMALL.commit)
    await there.client.revoke(latent_id, timeout=TIMEOUT)
    with pytest.raises(UnknownLatent):
        await there.client.get_latent(latent_id, timeout=TIMEOUT)


async def test_an_idempotent_call_is_tried_again_by_the_channel(there: There) -> None:
    latent_id = there.broker.hold(SMALL.manifest_bytes, SMALL.frames, SMALL.commit)
    there.broker.failures = [StoreUnavailable(retry_after_seconds=0.1)]
    assert (await there.client.get_latent(latent_id, timeout=TIMEOUT)).commit == SMALL.commit


async def test_the_publishers_trace_goes_on_in_the_broker() -> None:
    with Spans() as spans:
        async with served(FakeBroker().registration(), tracer=spans.tracer) as serving:
            client = BrokerClient(serving.channel)
            with spans.tracer.start_as_current_span("publisher"):
                await client.publish(SMALL.manifest_bytes, SMALL.frames, timeout=TIMEOUT)
        publisher = spans.named("publisher")
        publish = spans.named("latentflow.v1.BrokerService/Publish")
    assert publish.parent is not None
    assert publisher.context is not None
    assert publish.parent.span_id == publisher.context.span_id


async def test_a_broker_that_is_down_is_said_to_be() -> None:
    # Port 1 (tcpmux) is closed.
    async with open_channel("127.0.0.1:1") as channel:
        client = BrokerClient(channel, retry=RetryPolicy(attempts=2, first_seconds=0.01))
        with pytest.raises(BrokerUnavailable):
            await client.get_latent(SMALL.latent_id, timeout=TIMEOUT)
        with pytest.raises(BrokerUnavailable):
            await client.fetch(SMALL.latent_id, timeout=TIMEOUT)
        with pytest.raises(BrokerUnavailable):
            await client.publish(SMALL.manifest_bytes, SMALL.frames, timeout=TIMEOUT)
