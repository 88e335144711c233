"""Frames hold their stream whatever its chunks, and open to nothing but what they declare."""

import random
import struct
import tracemalloc
from collections.abc import Iterator

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from latentflow.errors import FrameCorrupt, FrameTooLarge, InvalidInput
from latentflow.latent import MAX_FRAME_BYTES, Frame
from latentflow.wire.frames import (
    DEFAULT_FRAME_BYTES,
    MAX_RAW_FRAME_BYTES,
    check_frame,
    make_frames,
    open_frame,
)
from tests.unit.wire.examples import framed

RAW = b"latent " * 100
PAYLOAD = zstandard.compress(RAW)
BLOCKS = PAYLOAD[zstandard.frame_header_size(PAYLOAD) :]
SKIPPABLE = struct.pack("<II", 0x184D2A50, 4) + b"skip"


def header(*, declared_bytes: int, window_log: int) -> bytes:
    """A zstd frame header (RFC 8878, 3.1.1.1) with an 8-byte content size and no block yet."""
    return b"\x28\xb5\x2f\xfd" + struct.pack("<BBQ", 0xC0, (window_log - 10) << 3, declared_bytes)


def noise(size: int) -> bytes:
    return random.Random(7).randbytes(size)


def opened(frames: list[Frame]) -> bytes:
    return b"".join(map(open_frame, frames))


@given(st.lists(st.binary(max_size=50)), st.integers(1, 64))
@settings(deadline=None)
def test_any_chunking_gives_the_same_frames(chunks: list[bytes], frame_bytes: int) -> None:
    stream = b"".join(chunks)
    frames = list(make_frames(chunks, zstd_level=3, frame_bytes=frame_bytes))
    assert frames == list(make_frames([stream], zstd_level=3, frame_bytes=frame_bytes))
    assert opened(frames) == stream
    assert [frame.index for frame in frames] == list(range(len(frames)))
    assert all(frame.raw_bytes == frame_bytes for frame in frames[:-1])


def test_frames_come_as_soon_as_their_bytes_are_there() -> None:
    taken = []

    def chunks() -> Iterator[bytes]:
        for size in (10, 10, 10):
            taken.append(size)
            yield bytes(size)

    next(make_frames(chunks(), zstd_level=3, frame_bytes=20))
    assert taken == [10, 10]


@pytest.mark.parametrize("level", [1, 3, 19])
def test_the_largest_frame_fits_also_when_it_cannot_be_compressed(level: int) -> None:
    stream = noise(MAX_RAW_FRAME_BYTES)
    (frame,) = make_frames([stream], zstd_level=level, frame_bytes=MAX_RAW_FRAME_BYTES)
    assert len(stream) < len(frame.payload) <= MAX_FRAME_BYTES
    assert open_frame(frame) == stream


def test_default_frames_are_cut_at_the_default_size() -> None:
    frames = list(make_frames([noise(DEFAULT_FRAME_BYTES + 1)], zstd_level=1))
    assert [frame.raw_bytes for frame in frames] == [DEFAULT_FRAME_BYTES, 1]


def test_a_frame_carries_its_size_and_no_second_checksum() -> None:
    (frame,) = make_frames([RAW], zstd_level=3)
    parameters = zstandard.get_frame_parameters(frame.payload)
    assert parameters.content_size == frame.raw_bytes == len(RAW)
    assert not parameters.has_checksum


@pytest.mark.parametrize("frame_bytes", [0, -1, MAX_RAW_FRAME_BYTES + 1])
def test_frame_sizes_out_of_range_are_refused(frame_bytes: int) -> None:
    with pytest.raises(InvalidInput) as refusal:
        next(make_frames([RAW], zstd_level=3, frame_bytes=frame_bytes))
    assert refusal.value.field == "frame_bytes"


def test_a_payload_over_the_limit_is_refused() -> None:
    frame = framed(bytes(MAX_FRAME_BYTES + 1), raw_bytes=1, index=3)
    with pytest.raises(FrameTooLarge) as refusal:
        check_frame(frame)
    assert refusal.value.details() == {
        "index": 3,
        "frame_bytes": MAX_FRAME_BYTES + 1,
        "limit_bytes": MAX_FRAME_BYTES,
    }


def test_an_unpacked_size_over_the_limit_is_refused() -> None:
    with pytest.raises(FrameTooLarge) as refusal:
        check_frame(framed(PAYLOAD, raw_bytes=MAX_FRAME_BYTES + 1))
    assert refusal.value.frame_bytes == MAX_FRAME_BYTES + 1


def test_a_frame_of_exactly_the_limit_opens() -> None:
    stream = bytes(MAX_FRAME_BYTES)
    assert open_frame(framed(zstandard.compress(stream), raw_bytes=MAX_FRAME_BYTES)) == stream


def test_a_wrong_checksum_is_corrupt() -> None:
    frame = Frame(index=5, payload=PAYLOAD, raw_bytes=len(RAW), crc32c=1)
    with pytest.raises(FrameCorrupt) as refusal:
        check_frame(frame)
    assert refusal.value.index == 5


@pytest.mark.parametrize("cut", range(1, len(PAYLOAD)))
def test_a_truncated_payload_is_corrupt_even_with_a_right_checksum(cut: int) -> None:
    with pytest.raises(FrameCorrupt):
        open_frame(framed(PAYLOAD[:cut], raw_bytes=len(RAW)))


@pytest.mark.parametrize(
    "payload",
    [
        PAYLOAD + b"x",
        PAYLOAD + PAYLOAD,
        PAYLOAD + SKIPPABLE,
        SKIPPABLE + PAYLOAD,
        PAYLOAD + zstandard.compress(b""),
        SKIPPABLE,
        RAW,
    ],
)
@pytest.mark.parametrize("raw_bytes", [len(RAW), 2 * len(RAW), 4])
def test_anything_but_exactly_one_zstd_frame_is_corrupt(payload: bytes, raw_bytes: int) -> None:
    with pytest.raises(FrameCorrupt):
        open_frame(framed(payload, raw_bytes=raw_bytes))


@pytest.mark.parametrize("raw_bytes", [1, len(RAW) - 1, len(RAW) + 1, MAX_FRAME_BYTES])
def test_a_size_other_than_declared_is_corrupt(raw_bytes: int) -> None:
    with pytest.raises(FrameCorrupt):
        open_frame(framed(PAYLOAD, raw_bytes=raw_bytes))


def test_a_frame_that_declares_no_size_is_corrupt() -> None:
    payload = zstandard.ZstdCompressor(write_content_size=False).compress(RAW)
    with pytest.raises(FrameCorrupt):
        open_frame(framed(payload, raw_bytes=len(RAW)))


@pytest.mark.parametrize("declared_bytes", [len(RAW) - 1, len(RAW) + 1])
def test_a_frame_that_holds_another_size_than_it_declares_is_corrupt(declared_bytes: int) -> None:
    honest = header(declared_bytes=len(RAW), window_log=18) + BLOCKS
    assert open_frame(framed(honest, raw_bytes=len(RAW))) == RAW
    lying = header(declared_bytes=declared_bytes, window_log=18) + BLOCKS
    with pytest.raises(FrameCorrupt):
        open_frame(framed(lying, raw_bytes=declared_bytes))


@pytest.mark.parametrize(
    "bomb",
    [
        zstandard.compress(bytes(50_000_000)),
        header(declared_bytes=1 << 30, window_log=30),
        header(declared_bytes=1 << 60, window_log=30),
    ],
)
@pytest.mark.parametrize("raw_bytes", [1, MAX_FRAME_BYTES])
def test_a_decompression_bomb_is_refused_before_anything_is_allocated(
    bomb: bytes, raw_bytes: int
) -> None:
    frame = framed(bomb, raw_bytes=raw_bytes)
    tracemalloc.start()
    with pytest.raises(FrameCorrupt):
        open_frame(frame)
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak_bytes < 64 * 1024


def test_a_frame_that_asks_for_a_huge_window_is_corrupt() -> None:
    payload = header(declared_bytes=len(RAW), window_log=19) + BLOCKS
    with pytest.raises(FrameCorrupt):
        open_frame(framed(payload, raw_bytes=len(RAW)))


@given(st.binary(min_size=1, max_size=200), st.integers(1, 300))
@settings(deadline=None)
def test_arbitrary_bytes_are_corrupt_or_what_they_declare(payload: bytes, raw_bytes: int) -> None:
    try:
        raw = open_frame(framed(b"\x28\xb5\x2f\xfd" + payload, raw_bytes=raw_bytes))
    except FrameCorrupt:
        return
    assert len(raw) == raw_bytes
