"""A subscriber loses and repeats nothing, and uses nothing before its commit matched."""

import pytest

from latentflow.errors import (
    IdentityMismatch,
    InvalidInput,
    StreamMismatch,
    UnknownLatent,
)
from latentflow.latent import Commit, Frame, Manifest, new_latent_id
from latentflow.relay import Open
from tests.integration.rpc.cable import CutOnce
from tests.integration.rpc.conftest import There
from tests.integration.rpc.latents import sealed

TIMEOUT = 30.0
MEGABYTE = sealed(kilobytes=1024)
SMALL = sealed(kilobytes=3, frame_bytes=1024)


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
    there.broker.on_frame_sent = CutOnce(there.cable, 3, 30, 50, 51)
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


async def test_another_latent_than_the_one_asked_for_is_refused(there: There) -> None:
    asked = new_latent_id(now_ms=1, entropy=bytes(10))
    held = there.broker.hold(SMALL.manifest_bytes, SMALL.frames, SMALL.commit)
    there.broker.latents[asked] = there.broker.latents[held]
    with pytest.raises(IdentityMismatch, match="latent_id"):
        await there.client.fetch(asked, timeout=TIMEOUT)


async def test_a_latent_that_is_not_admitted_costs_its_manifest_only(there: There) -> None:
    latent_id = there.broker.hold(MEGABYTE.manifest_bytes, MEGABYTE.frames, MEGABYTE.commit)

    def refuse(manifest: Manifest) -> None:
        raise InvalidInput(field="layout", problem="too large")

    with pytest.raises(InvalidInput, match="too large"):
        await there.client.fetch(latent_id, timeout=TIMEOUT, admit=refuse)


async def test_an_unknown_latent_is_named(there: There) -> None:
    with pytest.raises(UnknownLatent, match=SMALL.latent_id):
        await there.client.fetch(SMALL.latent_id, timeout=TIMEOUT)
