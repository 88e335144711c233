"""Cuts a packed stream into frames and opens frames again: zstd, sizes and checksums.

Knows neither what the bytes mean nor the order of the frames; order and commit are `stream`'s. Nor
does it know keys: who has some gives the step that seals a zstd frame, or unseals it.
"""

from collections.abc import Iterable, Iterator

import zstandard

from latentflow.errors import FrameCorrupt, FrameTooLarge, InvalidInput
from latentflow.latent import MAX_FRAME_BYTES, Frame
from latentflow.protection import SEAL_BYTES, SealStep
from latentflow.wire.checksum import crc32c

DEFAULT_FRAME_BYTES = 64 * 1024
# zstd needs up to 1 byte in 256 more for data that it can't compress (ZSTD_compressBound).
MAX_RAW_FRAME_BYTES = MAX_FRAME_BYTES - MAX_FRAME_BYTES // 256 - SEAL_BYTES


def make_frames(
    chunks: Iterable[bytes],
    *,
    zstd_level: int,
    frame_bytes: int = DEFAULT_FRAME_BYTES,
    seal: SealStep | None = None,
) -> Iterator[Frame]:
    """Frames of at most `frame_bytes` unpacked bytes each, whatever the chunks' sizes.

    Raises InvalidInput unless `frame_bytes` is 1 to MAX_RAW_FRAME_BYTES, which keeps each payload
    within MAX_FRAME_BYTES also when the data can't be compressed and is sealed.
    """
    if not 1 <= frame_bytes <= MAX_RAW_FRAME_BYTES:
        raise InvalidInput(field="frame_bytes", problem=f"must be 1 to {MAX_RAW_FRAME_BYTES}")
    compressor = zstandard.ZstdCompressor(level=zstd_level, write_checksum=False)
    for index, raw in enumerate(_rechunk(chunks, frame_bytes)):
        packed = compressor.compress(raw)
        payload = packed if seal is None else seal(index, len(raw), packed)
        yield Frame(index=index, payload=payload, raw_bytes=len(raw), crc32c=crc32c(payload))


def _rechunk(chunks: Iterable[bytes], size: int) -> Iterator[bytes]:
    pending = bytearray()
    for chunk in chunks:
        pending += chunk
        whole = len(pending) - len(pending) % size
        for start in range(0, whole, size):
            yield bytes(pending[start : start + size])
        del pending[:whole]
    if pending:
        yield bytes(pending)


def check_frame(frame: Frame) -> None:
    """What can be checked without decompressing, as the broker does.

    Raises FrameTooLarge when `frame` is over MAX_FRAME_BYTES packed or unpacked, and FrameCorrupt
    when its CRC-32C is not its payload's.
    """
    largest = max(len(frame.payload), frame.raw_bytes)
    if largest > MAX_FRAME_BYTES:
        raise FrameTooLarge(index=frame.index, frame_bytes=largest, limit_bytes=MAX_FRAME_BYTES)
    if crc32c(frame.payload) != frame.crc32c:
        raise FrameCorrupt(index=frame.index, problem="its CRC-32C differs")


def open_frame(frame: Frame, unseal: SealStep | None = None) -> bytes:
    """The frame's `raw_bytes` unpacked bytes; allocates no more than those.

    Raises FrameTooLarge and FrameCorrupt as `check_frame`, what `unseal` does, and FrameCorrupt
    unless the payload, unsealed, is exactly one zstd frame that declares and holds `raw_bytes`
    bytes, and needs no more memory.
    """
    check_frame(frame)
    packed = frame.payload
    if unseal is not None:
        packed = unseal(frame.index, frame.raw_bytes, packed)
    try:
        _check_declared(frame, packed)
        return zstandard.ZstdDecompressor().decompress(packed, allow_extra_data=False)
    except zstandard.ZstdError as error:
        raise FrameCorrupt(index=frame.index, problem="not a zstd frame") from error


def _check_declared(frame: Frame, packed: bytes) -> None:
    # zstandard allocates what the header declares, so this comes first.
    declared = zstandard.get_frame_parameters(packed)
    if declared.content_size != frame.raw_bytes:
        raise FrameCorrupt(index=frame.index, problem="declares another size than raw_bytes")
    if declared.window_size > MAX_FRAME_BYTES:
        raise FrameCorrupt(index=frame.index, problem="declares a window over the limit")
