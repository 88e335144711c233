"""A latent's file gives back what was written, and no other file passes for one."""

import io
import random
from collections.abc import Iterator
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from latentflow.errors import LatentFlowError, MessageMalformed, StreamMismatch
from latentflow.latent import MAX_FRAME_BYTES
from latentflow.quantisation import Quantisation
from latentflow.relay import Open, StreamStep
from latentflow.v1 import broker_pb2
from latentflow.wire.export import Exported, ExportWriter, read_export
from latentflow.wire.frames import MAX_RAW_FRAME_BYTES
from latentflow.wire.manifests import manifest_to_bytes
from latentflow.wire.stream import seal
from latentflow.wire.subscribe import stream_step_to_proto
from latentflow.wire.varint import varint
from tests.unit.wire.examples import Sealed, layout, manifest, sealed

LATENT = sealed()
HEADER = b"latentflow latent 1\n"


def steps_of(latent: Sealed) -> list[StreamStep]:
    return [Open(manifest_bytes=latent.manifest_bytes), *latent.frames, latent.commit]


def exported(latent: Sealed) -> bytes:
    file = io.BytesIO()
    writer = ExportWriter(file)
    for step in steps_of(latent):
        writer.hear(step)
    writer.verdict()
    return file.getvalue()


def read(data: bytes) -> Exported:
    return read_export(io.BytesIO(data))


def delimited(message: broker_pb2.SubscribeResponse) -> bytes:
    encoded = message.SerializeToString(deterministic=True)
    return varint(len(encoded)) + encoded


WHOLE = exported(LATENT)
STEPS = [delimited(stream_step_to_proto(step)) for step in steps_of(LATENT)]
# Where a step begins, and the end.
EDGES = [sum(map(len, [HEADER, *STEPS[:count]])) for count in range(len(STEPS) + 1)]


def test_a_file_is_a_line_and_the_steps_as_they_are_relayed() -> None:
    assert b"".join([HEADER, *STEPS]) == WHOLE


def test_a_file_gives_back_what_was_written() -> None:
    latent = read(WHOLE)
    assert latent.manifest_bytes == LATENT.manifest_bytes
    assert latent.audited.manifest.latent_id == "01K3ABCDEFGHJKMNPQRSTVWXYZ"
    assert list(latent.frames) == LATENT.frames
    assert latent.audited.commit == LATENT.commit


def test_a_frame_as_large_as_frames_get_fits() -> None:
    described = manifest(layout(slots=4, width=60_000), Quantisation.INT8)
    stream = random.Random(3).randbytes(described.stream_bytes)
    manifest_bytes = manifest_to_bytes(described)
    frames, commit = seal(manifest_bytes, [stream], frame_bytes=MAX_RAW_FRAME_BYTES)
    assert len(frames[0].payload) > MAX_FRAME_BYTES - 32 * 1024
    latent = Sealed(manifest_bytes, frames, commit, stream)
    assert list(read(exported(latent)).frames) == frames


@given(st.integers(1, 48))
@settings(deadline=None)
def test_any_cutting_into_frames_reads_back(frame_bytes: int) -> None:
    latent = sealed(frame_bytes=frame_bytes)
    assert list(read(exported(latent)).frames) == latent.frames


# --- nothing else is one --------------------------------------------------------------------


def test_every_flipped_bit_is_refused() -> None:
    for bit in range(len(WHOLE) * 8):
        flipped = bytearray(WHOLE)
        flipped[bit // 8] ^= 1 << bit % 8
        with pytest.raises(LatentFlowError):
            read(bytes(flipped))


def test_every_shortened_file_is_refused() -> None:
    for size in range(len(WHOLE)):
        with pytest.raises(MessageMalformed):
            read(WHOLE[:size])


@given(st.binary(min_size=1, max_size=64))
def test_a_file_that_goes_on_is_refused(more: bytes) -> None:
    with pytest.raises(MessageMalformed, match="goes on behind its commit"):
        read(WHOLE + more)


@given(
    start=st.integers(0, len(WHOLE)),
    length=st.integers(0, 40),
    instead=st.binary(max_size=40),
)
@settings(max_examples=600, deadline=None)
def test_a_file_with_a_piece_replaced_is_refused(start: int, length: int, instead: bytes) -> None:
    mutated = WHOLE[:start] + instead + WHOLE[start + length :]
    if mutated == WHOLE:
        assert read(mutated).audited.commit == LATENT.commit
        return
    with pytest.raises(LatentFlowError):
        read(mutated)


def mixed_up() -> Iterator[list[bytes]]:
    """The steps with one missing, with one twice, and with two neighbours changed."""
    for index in range(len(STEPS)):
        yield [*STEPS[:index], *STEPS[index + 1 :]]
        yield [*STEPS[: index + 1], *STEPS[index:]]
    for first, second in pairwise(range(len(STEPS))):
        changed = list(STEPS)
        changed[first], changed[second] = changed[second], changed[first]
        yield changed


@pytest.mark.parametrize("steps", list(mixed_up()))
def test_steps_in_disorder_are_refused(steps: list[bytes]) -> None:
    with pytest.raises(LatentFlowError):
        read(b"".join([HEADER, *steps]))


@given(st.binary(max_size=200))
def test_a_file_of_something_else_is_said_to_be(data: bytes) -> None:
    with pytest.raises(MessageMalformed, match="not a latent's file"):
        read(data)


def test_another_version_is_named() -> None:
    with pytest.raises(MessageMalformed, match="of version 2, not 1"):
        read(WHOLE.replace(b"latent 1", b"latent 2", 1))


def test_a_step_over_the_limit_is_not_taken_in() -> None:
    for size in (MAX_FRAME_BYTES * 2, 1 << 60):
        with pytest.raises(MessageMalformed, match="over"):
            read(HEADER + varint(size) + bytes(100))


def test_a_length_in_more_bytes_than_it_needs_is_refused() -> None:
    start, end = EDGES[1], EDGES[2]
    length = len(WHOLE[start:end]) - 1
    assert length < 128
    spelled = bytes([length | 128, 0])
    with pytest.raises(MessageMalformed, match="length in another way"):
        read(WHOLE[:start] + spelled + WHOLE[start + 1 :])


def test_a_step_with_more_in_it_than_is_known_is_refused() -> None:
    unknown = bytes([15 << 3, 1])
    step = STEPS[1][1:] + unknown
    with pytest.raises(MessageMalformed, match="step in another way"):
        read(WHOLE[: EDGES[1]] + varint(len(step)) + step + WHOLE[EDGES[2] :])


# --- writing --------------------------------------------------------------------------------


def test_a_latent_without_its_commit_is_not_finished() -> None:
    writer = ExportWriter(io.BytesIO())
    for step in steps_of(LATENT)[:-1]:
        writer.hear(step)
    with pytest.raises(MessageMalformed, match="commit"):
        writer.verdict()


def test_nothing_wrong_is_written() -> None:
    file = io.BytesIO()
    writer = ExportWriter(file)
    with pytest.raises(MessageMalformed, match="manifest"):
        writer.hear(LATENT.frames[0])
    writer.hear(Open(manifest_bytes=LATENT.manifest_bytes))
    with pytest.raises(MessageMalformed, match="twice"):
        writer.hear(Open(manifest_bytes=LATENT.manifest_bytes))
    writer.hear(LATENT.frames[0])
    before = file.getvalue()
    with pytest.raises(StreamMismatch):
        writer.hear(LATENT.commit)
    assert file.getvalue() == before
