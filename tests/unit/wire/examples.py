"""Small latents with spelled contents, for tests that break them."""

import struct
from dataclasses import replace
from typing import NamedTuple

from latentflow.latent import Commit, Frame, Manifest
from latentflow.quantisation import Quantisation
from latentflow.vectors import Codec, ElementType, TensorLayout, Vectors
from latentflow.wire.checksum import crc32c
from latentflow.wire.manifests import manifest_to_bytes
from latentflow.wire.quantise import pack
from latentflow.wire.stream import seal
from tests.golden.latent_values import MANIFEST


class Sealed(NamedTuple):
    """A latent as it travels, and the packed stream inside."""

    manifest_bytes: bytes
    frames: list[Frame]
    commit: Commit
    stream: bytes


def layout(*, layers: int = 1, slots: int = 1, width: int) -> TensorLayout:
    return TensorLayout(layers=layers, slots=slots, width=width, dtype=ElementType.FLOAT32)


def vectors(shape: TensorLayout, values: list[float]) -> Vectors:
    return Vectors(layout=shape, values=struct.pack(f"<{len(values)}f", *values))


def floats(unpacked: Vectors) -> list[float]:
    return list(struct.unpack(f"<{len(unpacked.values) // 4}f", unpacked.values))


def manifest(shape: TensorLayout, quantisation: Quantisation = Quantisation.INT8) -> Manifest:
    return replace(MANIFEST, layout=shape, codec=Codec(quantisation=quantisation), labels=())


def sealed(*, frame_bytes: int = 20) -> Sealed:
    """A latent of 3 slots x 2 layers x 4 elements: 48 bytes, 3 frames unless told otherwise."""
    shape = layout(layers=2, slots=3, width=4)
    stream = pack(vectors(shape, [0.25 * n - 3 for n in range(24)]), Quantisation.INT8)
    manifest_bytes = manifest_to_bytes(manifest(shape))
    frames, commit = seal(manifest_bytes, [stream], frame_bytes=frame_bytes)
    return Sealed(manifest_bytes, frames, commit, stream)


def framed(payload: bytes, *, raw_bytes: int, index: int = 0) -> Frame:
    """A frame whose checksum is right, whatever its payload is."""
    return Frame(index=index, payload=payload, raw_bytes=raw_bytes, crc32c=crc32c(payload))
