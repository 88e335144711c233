"""Every single-bit flip and every truncation of a small latent is refused, by an error of ours."""

from collections.abc import Iterable, Iterator
from dataclasses import replace

import pytest
from google.protobuf.message import DecodeError, Message

from latentflow.errors import FrameCorrupt, IdentityMissing, InvalidInput, LatentFlowError
from latentflow.latent import Commit, Digest, Frame
from latentflow.v1 import latent_pb2
from latentflow.wire.checksum import crc32c
from latentflow.wire.latents import (
    commit_from_proto,
    commit_to_proto,
    frame_from_proto,
    frame_to_proto,
)
from latentflow.wire.stream import StreamReader
from tests.unit.wire.examples import sealed

LATENT = sealed()
INDICES = range(len(LATENT.frames))


def read(
    *,
    manifest_bytes: bytes = LATENT.manifest_bytes,
    frames: Iterable[Frame] = LATENT.frames,
    commit: Commit = LATENT.commit,
) -> bytes:
    reader = StreamReader(manifest_bytes)
    for frame in frames:
        reader.add(frame)
    return reader.finish(commit)


def read_with(frame: Frame, *, at: int) -> bytes:
    return read(frames=[*LATENT.frames[:at], frame, *LATENT.frames[at + 1 :]])


def flips(data: bytes) -> Iterator[bytes]:
    """`data` with each of its bits flipped in turn."""
    for bit in range(len(data) * 8):
        flipped = bytearray(data)
        flipped[bit // 8] ^= 1 << bit % 8
        yield bytes(flipped)


def number_flips(number: int, *, bits: int) -> Iterator[int]:
    return (number ^ 1 << bit for bit in range(bits))


def encoded(message: Message) -> bytes:
    return message.SerializeToString(deterministic=True)


def test_the_latent_that_is_broken_here_reads_when_it_is_whole() -> None:
    assert read() == LATENT.stream


def test_every_flip_in_the_manifest_is_refused() -> None:
    for flipped in flips(LATENT.manifest_bytes):
        with pytest.raises(LatentFlowError):
            read(manifest_bytes=flipped)


@pytest.mark.parametrize("index", INDICES)
def test_every_flip_in_a_payload_is_found_by_its_checksum(index: int) -> None:
    frame = LATENT.frames[index]
    for flipped in flips(frame.payload):
        with pytest.raises(FrameCorrupt):
            read_with(replace(frame, payload=flipped), at=index)


@pytest.mark.parametrize("index", INDICES)
def test_every_flip_in_a_payload_is_refused_even_with_its_checksum_made_right(index: int) -> None:
    frame = LATENT.frames[index]
    for flipped in flips(frame.payload):
        with pytest.raises(LatentFlowError):
            read_with(replace(frame, payload=flipped, crc32c=crc32c(flipped)), at=index)


@pytest.mark.parametrize("index", INDICES)
def test_every_flip_in_a_frames_numbers_is_refused(index: int) -> None:
    frame = LATENT.frames[index]
    for number in number_flips(frame.index, bits=32):
        with pytest.raises(LatentFlowError):
            read_with(replace(frame, index=number), at=index)
    for number in number_flips(frame.raw_bytes, bits=32):
        with pytest.raises(LatentFlowError):
            read_with(replace(frame, raw_bytes=number), at=index)
    for number in number_flips(frame.crc32c, bits=32):
        with pytest.raises(FrameCorrupt):
            read_with(replace(frame, crc32c=number), at=index)


def test_every_flip_in_the_commits_numbers_is_refused() -> None:
    for number in number_flips(LATENT.commit.frames, bits=32):
        with pytest.raises(LatentFlowError):
            read(commit=replace(LATENT.commit, frames=number))
    for number in number_flips(LATENT.commit.payload_bytes, bits=64):
        with pytest.raises(LatentFlowError):
            read(commit=replace(LATENT.commit, payload_bytes=number))


def test_every_flip_in_the_commits_digest_is_refused() -> None:
    for flipped in flips(LATENT.commit.sha256.encode()):
        with pytest.raises(LatentFlowError):
            read(commit=replace(LATENT.commit, sha256=Digest(flipped.decode("latin-1"))))


@pytest.mark.parametrize("index", INDICES)
def test_every_flip_in_a_serialised_frame_is_refused(index: int) -> None:
    for flipped in flips(encoded(frame_to_proto(LATENT.frames[index]))):
        with pytest.raises((LatentFlowError, DecodeError)):
            read_with(frame_from_proto(latent_pb2.Frame.FromString(flipped)), at=index)


def test_every_flip_in_the_serialised_commit_is_refused() -> None:
    for flipped in flips(encoded(commit_to_proto(LATENT.commit))):
        with pytest.raises((LatentFlowError, DecodeError)):
            read(commit=commit_from_proto(latent_pb2.Commit.FromString(flipped)))


def test_every_truncation_of_the_manifest_is_refused() -> None:
    for size in range(len(LATENT.manifest_bytes)):
        with pytest.raises(LatentFlowError):
            read(manifest_bytes=LATENT.manifest_bytes[:size])


@pytest.mark.parametrize("index", INDICES)
def test_every_truncation_of_a_payload_is_refused(index: int) -> None:
    frame = LATENT.frames[index]
    for size in range(len(frame.payload)):
        cut = frame.payload[:size]
        with pytest.raises(LatentFlowError):
            read_with(replace(frame, payload=cut), at=index)
        with pytest.raises(LatentFlowError):
            read_with(replace(frame, payload=cut, crc32c=crc32c(cut)), at=index)


@pytest.mark.parametrize("index", INDICES)
def test_every_truncation_of_a_serialised_frame_is_refused(index: int) -> None:
    whole = encoded(frame_to_proto(LATENT.frames[index]))
    for size in range(len(whole)):
        with pytest.raises((LatentFlowError, DecodeError)):
            read_with(frame_from_proto(latent_pb2.Frame.FromString(whole[:size])), at=index)


@pytest.mark.parametrize("count", INDICES)
def test_every_truncation_of_the_stream_is_refused(count: int) -> None:
    with pytest.raises(LatentFlowError):
        read(frames=LATENT.frames[:count])


def test_a_commit_that_closes_nothing_is_no_commit() -> None:
    with pytest.raises(InvalidInput):
        commit_from_proto(latent_pb2.Commit())
    with pytest.raises(IdentityMissing):
        commit_from_proto(latent_pb2.Commit(frames=1, payload_bytes=1))
