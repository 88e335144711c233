"""Makes whole latents for tests: text messages, as those need no adapter and no receiver."""

import random
from dataclasses import dataclass

from latentflow.latent import (
    Commit,
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
from latentflow.relay import Whole
from latentflow.wire.manifests import manifest_to_bytes
from latentflow.wire.stream import seal
from latentflow.wire.text import TEXT_CODEC, text_layout

FLOW = FlowName("memos")
LIFETIME_SECONDS = 3600
_HEX = "0123456789abcdef"

_random = random.Random(20)


@dataclass(frozen=True, slots=True, kw_only=True)
class MadeLatent:
    """A latent that was made and not yet published."""

    manifest: Manifest
    manifest_bytes: bytes
    stream: bytes
    frames: list[Frame]
    commit: Commit

    @property
    def latent_id(self) -> LatentId:
        return self.manifest.latent_id

    @property
    def whole(self) -> Whole:
        return Whole(
            manifest_bytes=self.manifest_bytes, frames=tuple(self.frames), commit=self.commit
        )


def make_latent(
    now_ms: int,
    *,
    stream_bytes: int = 3000,
    frame_bytes: int = 1000,
    flow: FlowName = FLOW,
    lifetime_seconds: int = LIFETIME_SECONDS,
    chance: random.Random = _random,
) -> MadeLatent:
    """A latent of `stream_bytes` that can't be compressed much, in frames of `frame_bytes`."""
    stream = bytes(chance.choices(range(128), k=stream_bytes))
    manifest = Manifest(
        latent_id=new_latent_id(now_ms=now_ms, entropy=chance.randbytes(10)),
        flow=flow,
        method=Method.TEXT,
        adapter=None,
        sharer=ModelIdentity(
            name="sharer",
            weights=_digest(chance),
            tokenizer=_digest(chance),
            config=_digest(chance),
        ),
        receiver=None,
        layout=text_layout(stream),
        codec=TEXT_CODEC,
        position=PositionPolicy.PROMPT,
        created_ms=now_ms,
        expires_ms=now_ms + lifetime_seconds * 1000,
        content_digest=_digest(chance),
    )
    manifest_bytes = manifest_to_bytes(manifest)
    frames, commit = seal(manifest_bytes, [stream], frame_bytes=frame_bytes)
    return MadeLatent(
        manifest=manifest,
        manifest_bytes=manifest_bytes,
        stream=stream,
        frames=frames,
        commit=commit,
    )


def _digest(chance: random.Random) -> Digest:
    return Digest("".join(chance.choices(_HEX, k=64)))
