"""A publisher keeps its side of the contract: credit, order, resuming, aborting."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from latentflow.errors import (
    DeadlineExpired,
    FrameCorrupt,
    InvalidInput,
    LatentFlowError,
    QuotaExceeded,
    StoreUnavailable,
)
from latentflow.latent import Frame, LatentState
from tests.integration.rpc.cable import CutOnce
from tests.integration.rpc.conftest import There
from tests.integration.rpc.fake_broker import FakeBroker
from tests.integration.rpc.latents import Sealed, sealed

TIMEOUT = 30.0
MEGABYTE = sealed(kilobytes=1024)
SMALL = sealed(kilobytes=3, frame_bytes=1024)


async def one_by_one(frames: list[Frame]) -> AsyncIterator[Frame]:
    """Frames that are still being made while the first ones travel."""
    for frame in frames:
        await asyncio.sleep(0)
        yield frame


def stored(broker: FakeBroker, latent: Sealed) -> list[Frame]:
    return broker.latents[latent.latent_id].frames


async def reason_given(broker: FakeBroker) -> str:
    """The problem that the publisher aborted its latent with."""
    return await asyncio.wait_for(broker.ledger.aborted, TIMEOUT)


async def test_a_megabyte_is_published_within_a_credit_of_64_kilobytes(there: There) -> None:
    info = await there.client.publish(MEGABYTE.manifest_bytes, MEGABYTE.frames, timeout=TIMEOUT)
    assert info.state is LatentState.COMMITTED
    assert info.commit == MEGABYTE.commit
    assert stored(there.broker, MEGABYTE) == MEGABYTE.frames
    assert 32 * 1024 < there.broker.ledger.most_unacknowledged_bytes <= 64 * 1024


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
    there.broker.ledger.on_frame_stored = CutOnce(there.cable, 5, 20, 21, 63)
    info = await there.client.publish(MEGABYTE.manifest_bytes, MEGABYTE.frames, timeout=TIMEOUT)
    assert info.commit == MEGABYTE.commit
    assert stored(there.broker, MEGABYTE) == MEGABYTE.frames
    assert there.cable.cuts == 4
    assert 1 < there.broker.ledger.opened <= 5
    assert there.broker.ledger.frames_received < 2 * len(MEGABYTE.frames)


async def test_publishing_again_sends_nothing_twice(there: There) -> None:
    for _ in range(2):
        info = await there.client.publish(MEGABYTE.manifest_bytes, MEGABYTE.frames, timeout=TIMEOUT)
        assert info.commit == MEGABYTE.commit
    assert there.broker.ledger.frames_received == len(MEGABYTE.frames)


async def test_an_unavailable_store_is_tried_again(there: There) -> None:
    there.broker.ledger.failures = [StoreUnavailable(retry_after_seconds=0.1)]
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
    there.broker.ledger.failures = [failure]
    with pytest.raises(type(failure)) as raised:
        await there.client.publish(MEGABYTE.manifest_bytes, MEGABYTE.frames, timeout=TIMEOUT)
    assert raised.value.details() == failure.details()
    assert there.broker.ledger.opened == 1


async def test_a_source_that_fails_aborts_the_latent_and_is_raised(there: There) -> None:
    async def failing() -> AsyncIterator[Frame]:
        yield SMALL.frames[0]
        raise ValueError("secret")

    with pytest.raises(ValueError, match="secret"):
        await there.client.publish(SMALL.manifest_bytes, failing(), timeout=TIMEOUT)
    assert await reason_given(there.broker) == "INTERNAL_ERROR"


async def test_a_typed_failure_of_the_source_is_the_readers_reason(there: There) -> None:
    async def failing() -> AsyncIterator[Frame]:
        yield SMALL.frames[0]
        raise DeadlineExpired

    with pytest.raises(DeadlineExpired):
        await there.client.publish(SMALL.manifest_bytes, failing(), timeout=TIMEOUT)
    assert await reason_given(there.broker) == "DEADLINE_EXPIRED"


async def test_a_source_without_frames_aborts_the_latent(there: There) -> None:
    with pytest.raises(InvalidInput):
        await there.client.publish(SMALL.manifest_bytes, [], timeout=TIMEOUT)
    assert await reason_given(there.broker) == "INVALID_INPUT"


async def test_a_cancelled_publisher_aborts_the_latent(there: There) -> None:
    publishing = asyncio.create_task(
        there.client.publish(SMALL.manifest_bytes, endless(SMALL.frames), timeout=TIMEOUT)
    )
    await asyncio.wait_for(there.broker.ledger.first_frame.wait(), TIMEOUT)
    publishing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await publishing
    assert await reason_given(there.broker) == "CANCELLED"


async def endless(frames: list[Frame]) -> AsyncIterator[Frame]:
    for frame in frames:
        yield frame
    await asyncio.Future[None]()


async def test_a_timeout_leaves_the_latent_open_for_another_attempt(there: There) -> None:
    with pytest.raises(DeadlineExpired):
        await there.client.publish(SMALL.manifest_bytes, endless(SMALL.frames), timeout=0.3)
    assert not there.broker.ledger.aborted.done()
    info = await there.client.publish(SMALL.manifest_bytes, SMALL.frames, timeout=TIMEOUT)
    assert info.commit == SMALL.commit
