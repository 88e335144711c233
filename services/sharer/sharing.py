"""Share: makes a latent with the engine, then publishes it; tells how far it is all the way."""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

from opentelemetry.trace import Tracer

from latentflow.calls import (
    Published,
    ServiceDescription,
    ShareCall,
    Shared,
    ShareEvent,
    ShareTimings,
)
from latentflow.errors import NotFound, NotUsable
from latentflow.latent import Digest, LatentInfo, Manifest, Tenant, new_latent_id
from latentflow.protection import Seal
from latentflow.relay import FindCall, RenewCall
from latentflow.rpc import conventions
from latentflow.rpc.broker_client import BrokerClient
from latentflow.rpc.deadline_interceptor import remaining_seconds
from latentflow.rpc.propagation import current_traceparent
from latentflow.rpc.stages import Attributes, stage
from latentflow.rpc.told import Tell
from latentflow.sealing.cipher import SALT_BYTES
from latentflow.wire.frames import make_frames
from latentflow.wire.manifests import manifest_to_bytes
from services.sharer.content_digest import ContentDigests
from services.sharer.engine import Engine, Made
from services.sharer.keys import SharerKeys
from services.sharer.manifest import Birth, content_parts, manifest_of
from services.sharer.metrics import SharerMetrics
from services.sharer.packed import Packed

ClockMs = Callable[[], int]
"""Unix milliseconds now."""

_ENTROPY_BYTES = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Births:
    """Makes new latents' ids and salts.

    `clock_ms` is Unix milliseconds, `entropy(n)` n random bytes.
    """

    clock_ms: ClockMs
    entropy: Callable[[int], bytes]

    def next(self, key_id: str | None) -> Birth:
        """Under the current span's trace; sealed unless there is no key to do it with."""
        now_ms = self.clock_ms()
        return Birth(
            latent_id=new_latent_id(now_ms=now_ms, entropy=self.entropy(_ENTROPY_BYTES)),
            created_ms=now_ms,
            traceparent=current_traceparent(),
            seal=None if key_id is None else self._seal(key_id),
        )

    def _seal(self, key_id: str) -> Seal:
        return Seal(key_id=key_id, salt=self.entropy(SALT_BYTES).hex())


class Sharing:
    """The broker has `publish_seconds`, or to the call's deadline when that is sooner."""

    def __init__(
        self,
        *,
        engine: Engine,
        broker: BrokerClient,
        births: Births,
        digests: ContentDigests,
        keys: SharerKeys,
        publish_seconds: float,
        tracer: Tracer,
        metrics: SharerMetrics,
    ) -> None:
        self._engine = engine
        self._broker = broker
        self._births = births
        self._digests = digests
        self._keys = keys
        self._publish_seconds = publish_seconds
        self._tracer = tracer
        self._metrics = metrics

    def describe(self) -> ServiceDescription:
        return self._engine.describe()

    async def share(self, tenant: Tenant, call: ShareCall, tell: Tell[ShareEvent]) -> None:
        """Tells every event, last Shared. Cancelling stops the work or aborts the latent.

        An equal latent that is stored already is not made again, unless the call wants it `fresh`.
        Raises Overloaded, KeyUnknown for a tenant without a key where latents are sealed, as
        `Engine.make` and as `BrokerClient.publish`.
        """
        self._keys.sealing_key(tenant)
        if not call.fresh and (stored := await self._stored(tenant, call)):
            tell(Shared(latent=stored, timings=ShareTimings(), reused=True))
            return
        with self._engine.admit():
            made = await self._engine.make(call, tell)
            began_at = time.perf_counter()
            latent = await self._publish(tenant, call, made, tell)
            publish_seconds = time.perf_counter() - began_at
        timings = replace(made.timings, publish_seconds=publish_seconds)
        tell(Shared(latent=latent, timings=timings))

    async def _stored(self, tenant: Tenant, call: ShareCall) -> LatentInfo | None:
        """An equal latent that lives as long as the call asks for, if need be renewed to.

        Not one whose key was revoked, nor one that is protected less than a new one would be.
        """
        content = self._content(tenant, call, self._engine.adapter_for(call))
        found = await self._broker.find(
            FindCall(flow=call.flow, content_digest=content), timeout=self._timeout()
        )
        if found is None or not self._keys.would_protect(tenant, found):
            return None
        expires_ms = self._births.clock_ms() + call.lifetime_seconds * 1000
        if found.expires_ms < expires_ms:
            found = await self._renewed(found, expires_ms)
        return found if found is not None and found.expires_ms >= expires_ms else None

    async def _renewed(self, found: LatentInfo, expires_ms: int) -> LatentInfo | None:
        """None when it was lost meanwhile."""
        call = RenewCall(latent_id=found.manifest.latent_id, expires_ms=expires_ms)
        try:
            return await self._broker.renew(call, timeout=self._timeout())
        except (NotFound, NotUsable):
            return None

    def _timeout(self) -> float:
        return min(self._publish_seconds, remaining_seconds())

    async def _publish(
        self, tenant: Tenant, call: ShareCall, made: Made, tell: Tell[ShareEvent]
    ) -> LatentInfo:
        def on_acknowledged(frames: int) -> None:
            tell(Published(acknowledged_frames=frames))

        with stage(self._tracer, conventions.PUBLISH) as span:
            packed = made.packed
            manifest = self._manifest(tenant, call, packed)
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

    def _manifest(self, tenant: Tenant, call: ShareCall, packed: Packed) -> Manifest:
        return manifest_of(
            call,
            packed,
            self._births.next(self._keys.sealing_key(tenant)),
            sharer=self._engine.identity,
            content=self._content(tenant, call, packed.adapter),
        )

    def _content(self, tenant: Tenant, call: ShareCall, adapter: Digest | None) -> Digest:
        return self._digests.digest(tenant, *content_parts(call, adapter, self._engine.identity))


def _sending(manifest: Manifest) -> Attributes:
    return {
        conventions.MESSAGING_SYSTEM: conventions.LATENTFLOW,
        conventions.MESSAGING_OPERATION: conventions.PUBLISH,
        conventions.MESSAGING_OPERATION_TYPE: conventions.SEND,
        conventions.MESSAGING_MESSAGE_ID: manifest.latent_id,
        conventions.MESSAGING_DESTINATION: manifest.flow,
        conventions.METHOD: manifest.method.value,
    }
