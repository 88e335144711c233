"""Every way in which a latent can be unusable to a receiver: how to make it, how it is refused."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Any

from latentflow.errors import (
    ContextTooLong,
    FrameCorrupt,
    IdentityMismatch,
    IdentityMissing,
    LatentExpired,
    LatentFailed,
    LatentFlowError,
    LatentIncomplete,
    LatentRevoked,
    MessageMalformed,
    StreamMismatch,
    UnknownLatent,
    UnsupportedMethod,
)
from latentflow.latent import (
    Digest,
    LatentId,
    Method,
    ModelIdentity,
    PositionPolicy,
    new_latent_id,
)
from latentflow.v1 import latent_pb2
from latentflow.wire.frames import make_frames
from latentflow.wire.manifests import manifest_to_bytes
from tests.integration.services.callers import TIMEOUT, Stack
from tests.integration.services.forged import (
    frames_for,
    manifest_for,
    publish,
    store,
    store_committed,
)
from tests.manual_clock import ManualClock
from tests.tiny_adapters import WIDTH
from tests.tiny_pair import POSITIONS, TinyPair

OTHER = Digest("0" * 64)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    stack: Stack
    pair: TinyPair
    clock: ManualClock

    async def publish_with(self, **changes: Any) -> LatentId:
        return await publish(self.stack, manifest_for(self.pair, self.clock, **changes))

    async def publish_in(self, **layout: Any) -> LatentId:
        manifest = manifest_for(self.pair, self.clock)
        return await self.publish_with(layout=replace(manifest.layout, **layout))


Make = Callable[[Scene], Awaitable[LatentId]]


@dataclass(frozen=True, slots=True)
class Unusable:
    """`field` is what the error names, empty when its class says all."""

    make: Make
    error: type[LatentFlowError]
    field: str = ""


async def unknown(scene: Scene) -> LatentId:
    return new_latent_id(now_ms=scene.clock(), entropy=bytes(10))


async def expired(scene: Scene) -> LatentId:
    latent_id = await scene.publish_with(expires_ms=scene.clock() + 1000)
    scene.clock.advance(seconds=2)
    return latent_id


async def revoked(scene: Scene) -> LatentId:
    latent_id = await scene.publish_with()
    await scene.stack.admin.revoke(latent_id, timeout=TIMEOUT)
    return latent_id


async def half_published(scene: Scene) -> LatentId:
    manifest = manifest_for(scene.pair, scene.clock)
    await store(scene.stack, manifest, frames_for(manifest)[:1])
    scene.clock.advance(seconds=61)
    return manifest.latent_id


async def given_up(scene: Scene) -> LatentId:
    manifest = manifest_for(scene.pair, scene.clock)
    ref = await store(scene.stack, manifest, frames_for(manifest)[:1])
    await scene.stack.broker.stores.latents.abort(ref, "CANCELLED", now_ms=scene.clock())
    return manifest.latent_id


async def with_a_damaged_frame(scene: Scene) -> LatentId:
    manifest = manifest_for(scene.pair, scene.clock)
    first, second, *rest = frames_for(manifest)
    damaged = replace(second, payload=second.payload[:-1] + bytes([second.payload[-1] ^ 1]))
    return await store_committed(scene.stack, manifest, [first, damaged, *rest])


async def with_a_swapped_frame(scene: Scene) -> LatentId:
    manifest = manifest_for(scene.pair, scene.clock)
    frames = frames_for(manifest)
    swapped = [replace(frames[1], index=0), replace(frames[0], index=1), *frames[2:]]
    return await store_committed(scene.stack, manifest, swapped, sealed=frames)


async def shorter_than_it_says(scene: Scene) -> LatentId:
    manifest = manifest_for(scene.pair, scene.clock)
    return await store_committed(scene.stack, manifest, frames_for(manifest)[:-1])


async def with_values_that_are_none(scene: Scene) -> LatentId:
    manifest = manifest_for(scene.pair, scene.clock)
    frames = list(make_frames([b"\xff" * manifest.stream_bytes], zstd_level=3))
    return await store_committed(scene.stack, manifest, frames)


async def without_a_receiver(scene: Scene) -> LatentId:
    manifest = manifest_for(scene.pair, scene.clock)
    message = latent_pb2.Manifest.FromString(manifest_to_bytes(manifest))
    message.ClearField("receiver")
    anonymous = message.SerializeToString(deterministic=True)
    frames = frames_for(manifest)
    return await store_committed(scene.stack, manifest, frames, manifest_bytes=anonymous)


async def under_another_id(scene: Scene) -> LatentId:
    manifest = manifest_for(scene.pair, scene.clock)
    other = replace(manifest, latent_id=new_latent_id(now_ms=1, entropy=bytes(10)))
    stray = manifest_to_bytes(other)
    return await store_committed(scene.stack, manifest, frames_for(manifest), manifest_bytes=stray)


def of_another(role: str, part: str) -> Make:
    async def make(scene: Scene) -> LatentId:
        identity: ModelIdentity = getattr(scene.pair, role).identity
        changes: Any = {part: OTHER}
        return await scene.publish_with(**{role: replace(identity, **changes)})

    return make


def with_changes(**changes: Any) -> Make:
    return lambda scene: scene.publish_with(**changes)


def in_layout(**layout: int) -> Make:
    return lambda scene: scene.publish_in(**layout)


UNUSABLE = {
    "unknown": Unusable(unknown, UnknownLatent),
    "expired": Unusable(expired, LatentExpired),
    "revoked": Unusable(revoked, LatentRevoked),
    "half published": Unusable(half_published, LatentIncomplete),
    "given up": Unusable(given_up, LatentFailed),
    "damaged frame": Unusable(with_a_damaged_frame, FrameCorrupt),
    "swapped frame": Unusable(with_a_swapped_frame, StreamMismatch, "sha256"),
    "too short": Unusable(shorter_than_it_says, StreamMismatch, "stream_bytes"),
    "no numbers": Unusable(with_values_that_are_none, MessageMalformed, "stream"),
    "no receiver": Unusable(without_a_receiver, IdentityMissing, "receiver"),
    "another id": Unusable(under_another_id, IdentityMismatch, "latent_id"),
    "another receiver": Unusable(
        of_another("receiver", "weights"), IdentityMismatch, "receiver.weights"
    ),
    "another tokenizer": Unusable(
        of_another("receiver", "tokenizer"), IdentityMismatch, "receiver.tokenizer"
    ),
    "another sharer": Unusable(of_another("sharer", "weights"), IdentityMismatch, "sharer.weights"),
    "another adapter": Unusable(with_changes(adapter=OTHER), IdentityMismatch, "adapter"),
    "another width": Unusable(in_layout(width=WIDTH - 1), IdentityMismatch, "layout.width"),
    "more layers": Unusable(in_layout(layers=2), IdentityMismatch, "layout.layers"),
    "another place": Unusable(
        with_changes(position=PositionPolicy.BROADCAST), IdentityMismatch, "position"
    ),
    "another method": Unusable(with_changes(method=Method.LCF_X), UnsupportedMethod),
    "too many slots": Unusable(in_layout(slots=POSITIONS + 1), ContextTooLong, "latent"),
}
