"""Latents of real size for the scenarios that need no model: vectors of unit variance, seeded."""

import secrets
import time
from dataclasses import dataclass, replace
from itertools import cycle

import numpy as np

from latentflow.latent import (
    Digest,
    FlowName,
    Frame,
    LatentId,
    Manifest,
    Method,
    ModelIdentity,
    PositionPolicy,
    new_latent_id,
)
from latentflow.quantisation import Quantisation
from latentflow.vectors import Codec, ElementType, TensorLayout, Vectors
from latentflow.wire.frames import DEFAULT_FRAME_BYTES
from latentflow.wire.manifests import manifest_to_bytes
from latentflow.wire.quantise import pack
from latentflow.wire.stream import seal

_SEED = 20
_LIFETIME_MS = 600_000
_DIGESTS = cycle(Digest(digit * 64) for digit in "0123456789abcdef")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sealed:
    """A latent ready to be published, again and again under new ids."""

    manifest: Manifest
    frames: list[Frame]

    @property
    def payload_bytes(self) -> int:
        return sum(len(frame.payload) for frame in self.frames)

    def reborn(self) -> tuple[LatentId, bytes]:
        """A new latent of the same frames: its id and manifest."""
        latent_id = _new_id()
        return latent_id, manifest_to_bytes(replace(self.manifest, latent_id=latent_id))

    def reborn_on(
        self, flow: FlowName, *, life_seconds: float, content_digest: Digest
    ) -> tuple[LatentId, bytes]:
        """Likewise, made just now of other content."""
        latent_id, now_ms = _new_id(), _now_ms()
        manifest = replace(
            self.manifest,
            latent_id=latent_id,
            flow=flow,
            created_ms=now_ms,
            expires_ms=now_ms + round(1000 * life_seconds),
            content_digest=content_digest,
        )
        return latent_id, manifest_to_bytes(manifest)


def unit_vectors(slots: int, width: int) -> Vectors:
    """[slots, 1, width] normally distributed; the same for the same arguments."""
    layout = TensorLayout(layers=1, slots=slots, width=width, dtype=ElementType.FLOAT32)
    values = np.random.default_rng(_SEED).standard_normal((slots, width), np.float32)
    return Vectors(layout=layout, values=values.astype("<f4").tobytes())


def manifest_for(layout: TensorLayout, quantisation: Quantisation) -> Manifest:
    now_ms = _now_ms()
    return Manifest(
        latent_id=_new_id(),
        flow=FlowName("bench"),
        method=Method.LCF_PREFIX,
        adapter=next(_DIGESTS),
        sharer=_identity("sharer"),
        receiver=_identity("receiver"),
        layout=layout,
        codec=Codec(quantisation=quantisation),
        position=PositionPolicy.PREFIX,
        created_ms=now_ms,
        expires_ms=now_ms + _LIFETIME_MS,
        content_digest=next(_DIGESTS),
    )


def sealed(
    slots: int,
    width: int,
    quantisation: Quantisation,
    *,
    frame_bytes: int = DEFAULT_FRAME_BYTES,
) -> Sealed:
    vectors = unit_vectors(slots, width)
    manifest = manifest_for(vectors.layout, quantisation)
    packed = [pack(vectors, quantisation)]
    frames, _ = seal(manifest_to_bytes(manifest), packed, frame_bytes=frame_bytes)
    return Sealed(manifest=manifest, frames=frames)


def _new_id() -> LatentId:
    return new_latent_id(now_ms=_now_ms(), entropy=secrets.token_bytes(10))


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


def _identity(name: str) -> ModelIdentity:
    weights, tokenizer, config = (next(_DIGESTS) for _ in range(3))
    return ModelIdentity(name=name, weights=weights, tokenizer=tokenizer, config=config)
