"""The sharer's side of the broker: finds equal latents that are stored, publishes new ones."""

from functools import partial

from opentelemetry.trace import Tracer

from latentflow.calls import Published, ShareCall, ShareEvent
from latentflow.errors import NotFound, NotUsable
from latentflow.latent import Digest, LatentInfo, Manifest, Tenant
from latentflow.relay import FindCall, RenewCall
from latentflow.rpc import conventions
from latentflow.rpc.broker_client import BrokerClient
from latentflow.rpc.deadline_interceptor import remaining_seconds
from latentflow.rpc.stages import Attributes, stage
from latentflow.rpc.told import Tell
from latentflow.wire.frames import make_frames
from latentflow.wire.manifests import manifest_to_bytes
from services.sharer.engine import Made
from services.sharer.keys import SharerKeys
from services.sharer.manifest import Manifests
from services.sharer.metrics import SharerMetrics


class Publishing:
    """The broker has `publish_seconds`, or to the call's deadline when that is sooner."""

    def __init__(
        self,
        *,
        broker: BrokerClient,
        manifests: Manifests,
        keys: SharerKeys,
        publish_seconds: float,
        tracer: Tracer,
        metrics: SharerMetrics,
    ) -> None:
        self._broker = broker
        self._manifests = manifests
        self._keys = keys
        self._publish_seconds = publish_seconds
        self._tracer = tracer
        self._metrics = metrics

    def require_key(self, tenant: Tenant) -> None:
        """Raises KeyUnknown for a tenant without a key where latents are sealed."""
        self._keys.sealing_key(tenant)

    async def stored(
        self, tenant: Tenant, call: ShareCall, adapter: Digest | None
    ) -> LatentInfo | None:
        """An equal latent that lives as long as the call asks for, if need be renewed to.

        Not one whose key was revoked, nor one that is protected less than a new one would be.
        """
        content = self._manifests.content(tenant, call, adapter)
        found = await self._broker.find(
            FindCall(flow=call.flow, content_digest=content), timeout=self._timeout()
        )
        if found is None or not self._keys.would_protect(tenant, found):
            return None
        expires_ms = self._manifests.expires_ms(call)
        if found.expires_ms < expires_ms:
            found = await self._renewed(found, expires_ms)
        return found if found is not None and found.expires_ms >= expires_ms else None

    async def publish(
        self, tenant: Tenant, call: ShareCall, made: Made, tell: Tell[ShareEvent]
    ) -> LatentInfo:
        """Tells Published. Cancelling aborts the latent. Raises as `BrokerClient.publish`."""

        def on_acknowledged(frames: int) -> None:
            tell(Published(acknowledged_frames=frames))

        with stage(self._tracer, conventions.PUBLISH) as span:
            packed = made.packed
            manifest = self._manifests.new(tenant, call, packed)
            manifest_bytes = manifest_to_bytes(manifest)
            span.set_attributes(_sending(manifest))
            frames = make_frames(
                [packed.stream],
                zstd_level=packed.codec.zstd_level,
                seal=self._keys.seal_step(tenant, manifest, manifest_bytes),
            )
            latent = await self._broker.publish(
                manifest_bytes,
                frames,
                timeout=self._timeout(),
                sign=partial(self._keys.signed, manifest.latent_id, manifest_bytes),
                on_acknowledged=on_acknowledged,
            )
            wire_bytes = len(manifest_bytes) + latent.payload_bytes
            span.set_attribute(conventions.MESSAGING_BODY_BYTES, wire_bytes)
            span.set_attribute(conventions.FRAMES, latent.frames)
        self._metrics.published(
            packed.method,
            wire_bytes,
            cache_bytes=made.cache_bytes,
            context_bytes=len(call.context.encode()),
        )
        return latent

    async def _renewed(self, found: LatentInfo, expires_ms: int) -> LatentInfo | None:
        """None when it was lost meanwhile."""
        call = RenewCall(latent_id=found.manifest.latent_id, expires_ms=expires_ms)
        try:
            return await self._broker.renew(call, timeout=self._timeout())
        except (NotFound, NotUsable):
            return None

    def _timeout(self) -> float:
        return min(self._publish_seconds, remaining_seconds())


def _sending(manifest: Manifest) -> Attributes:
    return {
        conventions.MESSAGING_SYSTEM: conventions.LATENTFLOW,
        conventions.MESSAGING_OPERATION: conventions.PUBLISH,
        conventions.MESSAGING_OPERATION_TYPE: conventions.SEND,
        conventions.MESSAGING_MESSAGE_ID: manifest.latent_id,
        conventions.MESSAGING_DESTINATION: manifest.flow,
        conventions.METHOD: manifest.method.value,
    }
