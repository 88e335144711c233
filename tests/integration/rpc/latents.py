"""Latents for the broker client's tests: spelled by a seed, and as large as asked."""

import random
from typing import NamedTuple

from latentflow.latent import Commit, Frame, LatentId
from latentflow.quantisation import Quantisation
from latentflow.wire.manifests import manifest_to_bytes
from latentflow.wire.stream import seal
from tests.unit.wire.examples import layout, manifest


class Sealed(NamedTuple):
    latent_id: LatentId
    manifest_bytes: bytes
    frames: list[Frame]
    commit: Commit
    stream: bytes


def sealed(*, kilobytes: int, frame_bytes: int = 16 * 1024) -> Sealed:
    """A latent of int8 vectors that can't be compressed, `kilobytes` long."""
    shape = layout(slots=kilobytes, width=1020)
    described = manifest(shape, Quantisation.INT8)
    stream = random.Random(7).randbytes(described.stream_bytes)
    manifest_bytes = manifest_to_bytes(described)
    frames, commit = seal(manifest_bytes, [stream], frame_bytes=frame_bytes)
    return Sealed(described.latent_id, manifest_bytes, frames, commit, stream)
