"""The manifest of a new latent: which id it has, what it follows from, how it is sealed."""

from collections.abc import Callable
from dataclasses import dataclass

from latentflow.calls import LatentMeans, ShareCall, TextMeans
from latentflow.latent import Digest, Manifest, ModelIdentity, Tenant, new_latent_id
from latentflow.protection import Seal
from latentflow.rpc.propagation import current_traceparent
from latentflow.sealing.cipher import SALT_BYTES
from services.sharer.content_digest import ContentDigests
from services.sharer.keys import SharerKeys
from services.sharer.packed import Packed

ClockMs = Callable[[], int]
"""Unix milliseconds now."""

_ENTROPY_BYTES = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifests:
    """Of one sharer's latents. `entropy(n)` is n random bytes."""

    sharer: ModelIdentity
    digests: ContentDigests
    keys: SharerKeys
    clock_ms: ClockMs
    entropy: Callable[[int], bytes]

    def new(self, tenant: Tenant, call: ShareCall, packed: Packed) -> Manifest:
        """Under the current span's trace; sealed where there are keys.

        Raises KeyUnknown, and InvalidInput or IdentityMissing as `Manifest` does.
        """
        now_ms = self.clock_ms()
        return Manifest(
            latent_id=new_latent_id(now_ms=now_ms, entropy=self.entropy(_ENTROPY_BYTES)),
            flow=call.flow,
            method=packed.method,
            adapter=packed.adapter,
            sharer=self.sharer,
            receiver=packed.receiver,
            layout=packed.layout,
            codec=packed.codec,
            position=packed.position,
            created_ms=now_ms,
            expires_ms=now_ms + call.lifetime_seconds * 1000,
            content_digest=self.content(tenant, call, packed.adapter),
            traceparent=current_traceparent(),
            labels=call.labels,
            seal=self._seal(tenant),
        )

    def content(self, tenant: Tenant, call: ShareCall, adapter: Digest | None) -> Digest:
        """Of what `call` makes with `adapter`: equal latents of the tenant have the same."""
        return self.digests.digest(tenant, *content_parts(call, adapter, self.sharer))

    def expires_ms(self, call: ShareCall) -> int:
        """When a latent that is made now expires."""
        return self.clock_ms() + call.lifetime_seconds * 1000

    def _seal(self, tenant: Tenant) -> Seal | None:
        key_id = self.keys.sealing_key(tenant)
        if key_id is None:
            return None
        return Seal(key_id=key_id, salt=self.entropy(SALT_BYTES).hex())


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
