"""A text or a latent across the wire and back, in one process: packed, compressed, opened again.

Owns the round trip and its bytes; what is sent is `sending`'s.
"""

from latentflow.vectors import Codec, Vectors
from latentflow.wire.frames import make_frames, open_frame
from latentflow.wire.quantise import pack, unpack
from latentflow.wire.text import TEXT_CODEC, read_text, write_text


def cross_text(text: str) -> tuple[str, int]:
    """The text as it arrives, and the bytes of its frames. No text takes no bytes."""
    if not text:
        return "", 0
    stream, wire_bytes = _cross(write_text(text), TEXT_CODEC)
    return read_text(stream), wire_bytes


def cross_vectors(vectors: Vectors, codec: Codec) -> tuple[Vectors, int]:
    """The vectors as they arrive, and the bytes of their frames."""
    stream, wire_bytes = _cross(pack(vectors, codec.quantisation), codec)
    return unpack(stream, vectors.layout, codec), wire_bytes


def _cross(stream: bytes, codec: Codec) -> tuple[bytes, int]:
    frames = list(make_frames([stream], zstd_level=codec.zstd_level))
    return b"".join(map(open_frame, frames)), sum(len(frame.payload) for frame in frames)
