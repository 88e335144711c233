"""Latents that no honest sharer would publish, put past the broker straight into its store."""

import secrets
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import torch

from latentflow.latent import (
    FlowName,
    Frame,
    LatentId,
    Manifest,
    Method,
    PositionPolicy,
    StreamDigest,
    new_latent_id,
    parse_digest,
)
from latentflow.quantisation import Quantisation
from latentflow.rpc.auth_interceptor import DEFAULT_TENANT
from latentflow.vectors import Codec, ElementType, TensorLayout, Vectors
from latentflow.wire.frames import make_frames
from latentflow.wire.manifests import manifest_to_bytes
from latentflow.wire.quantise import pack
from latentflow.wire.relay import frame_to_bytes
from services.broker.record import LatentRef, Opening, StoredFrame
from tests.integration.services.callers import TIMEOUT, Stack
from tests.manual_clock import ManualClock
from tests.tiny_adapters import WIDTH
from tests.tiny_pair import TinyPair

SLOTS = 5
FRAME_BYTES = 40


def manifest_for(pair: TinyPair, clock: ManualClock, **changes: Any) -> Manifest:
    """As the pair's sharer would write it, but for `changes`."""
    manifest = Manifest(
        latent_id=new_latent_id(now_ms=clock(), entropy=secrets.token_bytes(10)),
        flow=FlowName("forged"),
        method=Method.LCF_PREFIX,
        adapter=pair.digest,
        sharer=pair.sharer.identity,
        receiver=pair.receiver.identity,
        layout=TensorLayout(layers=1, slots=SLOTS, width=WIDTH, dtype=ElementType.FLOAT32),
        codec=Codec(quantisation=Quantisation.INT8),
        position=PositionPolicy.PREFIX,
        created_ms=clock(),
        expires_ms=clock() + 3_600_000,
        content_digest=parse_digest("c" * 64, "content"),
    )
    return replace(manifest, **changes)


def frames_for(manifest: Manifest) -> list[Frame]:
    """Frames of random vectors in the manifest's layout."""
    count = manifest.layout.vectors * manifest.layout.width
    values = torch.randn(count, generator=torch.Generator().manual_seed(1)).numpy().tobytes()
    stream = pack(Vectors(layout=manifest.layout, values=values), manifest.codec.quantisation)
    return list(make_frames([stream], zstd_level=3, frame_bytes=FRAME_BYTES))


async def publish(stack: Stack, manifest: Manifest) -> LatentId:
    """Through the broker, which does not read identities."""
    frames = frames_for(manifest)
    await stack.broker_client.publish(manifest_to_bytes(manifest), frames, timeout=TIMEOUT)
    return manifest.latent_id


async def store(
    stack: Stack, manifest: Manifest, frames: Sequence[Frame], *, manifest_bytes: bytes = b""
) -> LatentRef:
    """An open latent with these frames as they are, and its manifest as these bytes."""
    ref = LatentRef(tenant=DEFAULT_TENANT, latent_id=manifest.latent_id)
    opening = Opening(
        manifest=manifest_bytes or manifest_to_bytes(manifest),
        flow=manifest.flow,
        created_ms=manifest.created_ms,
        expires_ms=manifest.expires_ms,
    )
    latents, now_ms = stack.broker.stores.latents, manifest.created_ms
    await latents.open(ref, opening, now_ms=now_ms)
    stored = [
        StoredFrame(
            index=frame.index, payload_bytes=len(frame.payload), encoded=frame_to_bytes(frame)
        )
        for frame in frames
    ]
    await latents.append(ref, stored, now_ms=now_ms)
    return ref


async def store_committed(
    stack: Stack,
    manifest: Manifest,
    frames: Sequence[Frame],
    *,
    manifest_bytes: bytes = b"",
    sealed: Sequence[Frame] = (),
) -> LatentId:
    """Committed as if it held the frames `sealed`; by default those it holds."""
    ref = await store(stack, manifest, frames, manifest_bytes=manifest_bytes)
    digest = StreamDigest(manifest_bytes or manifest_to_bytes(manifest))
    for frame in sealed or frames:
        digest.add(frame.payload)
    commit = digest.commit()
    await stack.broker.stores.latents.commit(ref, commit, now_ms=manifest.created_ms)
    return manifest.latent_id
