import asyncio
import hashlib
from dataclasses import replace

import pytest

from latentflow.errors import FrameOutOfOrder, InvalidInput, StreamMismatch
from latentflow.latent import Commit, Digest, Frame, LatentInfo, LatentState
from latentflow.relay import MAX_WHOLE_BYTES, MAX_WHOLE_FRAMES, Abort, Open, Opened, Progress, Whole
from latentflow.rpc.outbox import MAX_WAITING_FRAMES, Outbox
from tests.unit.wire.examples import layout, manifest

MANIFEST = b"manifest"
FRAME_BYTES = 10


def frame(index: int) -> Frame:
    return Frame(index=index, payload=bytes([index]) * FRAME_BYTES, raw_bytes=1, crc32c=0)


def opened(outbox: Outbox, *, acknowledged: int = 0, credit: int = 1000) -> None:
    outbox.opened(Opened(acknowledged_frames=acknowledged, credit_bytes=credit))


def progressed(outbox: Outbox, *, acknowledged: int, credit: int = 1000) -> None:
    outbox.progressed(Progress(acknowledged_frames=acknowledged, credit_bytes=credit))


async def filled(frames: int) -> Outbox:
    outbox = Outbox(MANIFEST)
    for index in range(frames):
        await outbox.put(frame(index))
    return outbox


async def settled(task: asyncio.Task[object]) -> bool:
    """Whether `task` ends without anything else happening; nothing here waits for the outside."""
    for _ in range(10):
        await asyncio.sleep(0)
    return task.done()


async def test_nothing_is_sent_before_the_stream_is_opened() -> None:
    outbox = await filled(1)
    step = asyncio.create_task(outbox.next_step())
    assert not await settled(step)
    opened(outbox)
    assert await step == frame(0)


async def test_a_small_latent_that_is_there_goes_whole() -> None:
    outbox = await filled(2)
    outbox.close()
    digest = hashlib.sha256(MANIFEST + frame(0).payload + frame(1).payload).hexdigest()
    commit = Commit(frames=2, payload_bytes=2 * FRAME_BYTES, sha256=Digest(digest))
    whole = Whole(manifest_bytes=MANIFEST, frames=(frame(0), frame(1)), commit=commit)
    assert outbox.first_step() == whole
    outbox.stored(stored_as(commit))
    assert outbox.acknowledged_frames == 2


async def test_a_latent_that_is_still_being_made_or_large_or_begun_is_opened() -> None:
    unfinished = await filled(2)
    assert unfinished.first_step() == Open(manifest_bytes=MANIFEST)
    large = Outbox(MANIFEST)
    await large.put(replace(frame(0), payload=bytes(MAX_WHOLE_BYTES + 1)))
    large.close()
    assert large.first_step() == Open(manifest_bytes=MANIFEST)
    many = await filled(MAX_WHOLE_FRAMES)
    opened(many)
    await many.next_step()
    await many.put(frame(MAX_WHOLE_FRAMES))
    many.close()
    assert many.first_step() == Open(manifest_bytes=MANIFEST)
    begun = await filled(2)
    begun.close()
    opened(begun, acknowledged=1)
    assert begun.first_step() == Open(manifest_bytes=MANIFEST)


async def test_a_whole_that_the_broker_does_not_know_of_goes_step_by_step() -> None:
    outbox = await filled(1)
    outbox.close()
    assert isinstance(outbox.first_step(), Whole)
    opened(outbox)
    assert await outbox.next_step() == frame(0)
    assert isinstance(await outbox.next_step(), Commit)


async def test_no_more_than_the_credit_is_unacknowledged() -> None:
    outbox = await filled(3)
    opened(outbox, credit=2 * FRAME_BYTES + 9)
    assert [await outbox.next_step(), await outbox.next_step()] == [frame(0), frame(1)]
    third = asyncio.create_task(outbox.next_step())
    assert not await settled(third)
    progressed(outbox, acknowledged=1, credit=2 * FRAME_BYTES)
    assert await third == frame(2)
    assert outbox.unacknowledged_bytes == 2 * FRAME_BYTES


async def test_less_credit_than_before_holds_the_next_frame_back() -> None:
    outbox = await filled(2)
    opened(outbox, credit=2 * FRAME_BYTES)
    await outbox.next_step()
    progressed(outbox, acknowledged=0, credit=FRAME_BYTES)
    second = asyncio.create_task(outbox.next_step())
    assert not await settled(second)
    second.cancel()


async def test_the_source_waits_while_enough_frames_wait() -> None:
    outbox = await filled(MAX_WAITING_FRAMES)
    one_more = asyncio.create_task(outbox.put(frame(MAX_WAITING_FRAMES)))
    assert not await settled(one_more)
    opened(outbox)
    await outbox.next_step()
    await one_more


async def test_the_commit_covers_manifest_and_payloads() -> None:
    outbox = await filled(2)
    outbox.close()
    opened(outbox)
    steps = [await outbox.next_step() for _ in range(3)]
    digest = hashlib.sha256(MANIFEST + frame(0).payload + frame(1).payload).hexdigest()
    assert steps[2] == Commit(frames=2, payload_bytes=20, sha256=digest)  # type: ignore[arg-type]


async def test_after_a_lost_connection_only_what_is_not_durable_is_sent_again() -> None:
    outbox = await filled(3)
    opened(outbox)
    for _ in range(3):
        await outbox.next_step()
    outbox.first_step()
    opened(outbox, acknowledged=1)
    assert [await outbox.next_step(), await outbox.next_step()] == [frame(1), frame(2)]


async def test_credit_of_a_lost_connection_is_not_used_on_the_next() -> None:
    outbox = await filled(1)
    opened(outbox)
    outbox.first_step()
    step = asyncio.create_task(outbox.next_step())
    assert not await settled(step)
    step.cancel()


async def test_frames_that_an_earlier_attempt_stored_are_digested_not_sent() -> None:
    outbox = Outbox(MANIFEST)
    opened(outbox, acknowledged=2)
    for index in range(3):
        await outbox.put(frame(index))
    outbox.close()
    assert await outbox.next_step() == frame(2)
    last = await outbox.next_step()
    assert isinstance(last, Commit)
    assert last.frames == 3


async def test_a_store_that_lost_acknowledged_frames_gets_them_again() -> None:
    outbox = await filled(3)
    outbox.close()
    opened(outbox)
    for _ in range(3):
        await outbox.next_step()
    progressed(outbox, acknowledged=3)
    outbox.first_step()
    opened(outbox, acknowledged=1)
    assert outbox.unacknowledged_bytes == 0
    assert not outbox.has_advanced
    assert [await outbox.next_step(), await outbox.next_step()] == [frame(1), frame(2)]
    assert isinstance(await outbox.next_step(), Commit)
    progressed(outbox, acknowledged=2)
    assert outbox.has_advanced


async def test_giving_up_sends_the_abort_and_nothing_else() -> None:
    outbox = await filled(3)
    opened(outbox, credit=FRAME_BYTES)
    await outbox.next_step()
    outbox.give_up("CANCELLED")
    assert await outbox.next_step() == Abort(problem="CANCELLED")


async def test_a_source_that_skips_an_index_is_refused() -> None:
    outbox = await filled(1)
    with pytest.raises(FrameOutOfOrder, match="frame 2 came where 1 was due"):
        await outbox.put(frame(2))


async def test_a_source_without_frames_is_refused() -> None:
    with pytest.raises(InvalidInput):
        Outbox(MANIFEST).close()


async def test_what_is_stored_must_be_what_was_sent() -> None:
    outbox = await filled(2)
    outbox.close()
    opened(outbox)
    steps = [await outbox.next_step() for _ in range(3)]
    sent = steps[-1]
    assert isinstance(sent, Commit)
    outbox.stored(stored_as(sent))
    for other in (None, replace(sent, frames=1)):
        with pytest.raises(StreamMismatch, match="commit"):
            outbox.stored(stored_as(other))


def stored_as(commit: Commit | None) -> LatentInfo:
    return LatentInfo(
        manifest=manifest(layout(width=4)),
        state=LatentState.COMMITTED,
        frames=2,
        payload_bytes=2 * FRAME_BYTES,
        commit=commit,
        expires_ms=manifest(layout(width=4)).expires_ms,
    )
