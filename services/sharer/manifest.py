"""The manifest of a new latent, as a pure function of the call and what was made for it."""

from dataclasses import dataclass

from latentflow.calls import LatentMeans, ShareCall, TextMeans
from latentflow.latent import Digest, LatentId, Manifest, ModelIdentity
from latentflow.protection import Seal
from services.sharer.packed import Packed


@dataclass(frozen=True, slots=True, kw_only=True)
class Birth:
    """Who the latent is, when and under which trace it came to be, and how it is sealed."""

    latent_id: LatentId
    created_ms: int
    traceparent: str
    seal: Seal | None


def manifest_of(
    call: ShareCall, packed: Packed, birth: Birth, *, sharer: ModelIdentity, content: Digest
) -> Manifest:
    """Raises InvalidInput or IdentityMissing as `Manifest` does."""
    return Manifest(
        latent_id=birth.latent_id,
        flow=call.flow,
        method=packed.method,
        adapter=packed.adapter,
        sharer=sharer,
        receiver=packed.receiver,
        layout=packed.layout,
        codec=packed.codec,
        position=packed.position,
        created_ms=birth.created_ms,
        expires_ms=birth.created_ms + call.lifetime_seconds * 1000,
        content_digest=content,
        traceparent=birth.traceparent,
        labels=call.labels,
        seal=birth.seal,
    )


def content_parts(
    call: ShareCall, adapter: Digest | None, sharer: ModelIdentity
) -> tuple[str, ...]:
    """What a latent follows from, its labels included: equal parts make equal latents."""
    labels = (text for label in call.labels for text in (label.key, label.value))
    made_by = (sharer.weights, sharer.tokenizer, sharer.config, adapter or "")
    return (call.context, call.need, *made_by, *_options(call.means), *labels)


def _options(means: LatentMeans | TextMeans) -> tuple[str, str]:
    if isinstance(means, LatentMeans):
        return "latent", means.quantisation
    return "text", str(means.max_tokens)
