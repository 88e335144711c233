"""Publish: opens or resumes a latent, then answers step by step until its commit or abort."""

from collections.abc import AsyncGenerator, AsyncIterator, Iterable
from contextlib import aclosing

from latentflow.errors import MessageMalformed
from latentflow.latent import Frame, Tenant
from latentflow.relay import GivenUp, Open, PublishEvent, PublishStep, Stored, Whole
from latentflow.wire.manifests import manifest_from_bytes
from services.broker.admission import require_lifetime
from services.broker.batching import batches
from services.broker.metrics import BrokerMetrics
from services.broker.quotas import Quotas
from services.broker.record import ClockMs, LatentRef, Opening
from services.broker.store import FlowStore, LatentStore
from services.broker.upload import Upload

# Steps taken at once, while as many may wait: a publisher that ignores its credit costs at most
# 8 MiB of memory.
MAX_BATCH = 16


class Publishing:
    """`credit_bytes` of payload may be on their way from each publisher."""

    def __init__(
        self,
        *,
        latents: LatentStore,
        flows: FlowStore,
        quotas: Quotas,
        clock_ms: ClockMs,
        credit_bytes: int,
        metrics: BrokerMetrics,
    ) -> None:
        self._latents = latents
        self._quotas = quotas
        self._flows = flows
        self._clock_ms = clock_ms
        self._credit_bytes = credit_bytes
        self._metrics = metrics

    async def publish(
        self, tenant: Tenant, steps: AsyncIterator[PublishStep]
    ) -> AsyncGenerator[PublishEvent, None]:
        """The answers to the steps; frames that came together have one answer.

        What was acknowledged stays durable, whatever is raised.
        Raises MessageMalformed when the steps are no upload, as `manifest_from_bytes`,
        `require_lifetime`, `Upload` and the store.
        """
        with self._metrics.upload():
            async with aclosing(self._events(tenant, steps)) as events:
                async for event in events:
                    self._count(event)
                    yield event

    async def _events(
        self, tenant: Tenant, steps: AsyncIterator[PublishStep]
    ) -> AsyncGenerator[PublishEvent, None]:
        opening = await anext(steps, None)
        match opening:
            case Whole():
                upload = await self._begin(tenant, opening.manifest_bytes)
                self._metrics.received(_payload_bytes(opening.frames))
                yield await upload.store(opening)
                return
            case Open():
                upload = await self._begin(tenant, opening.manifest_bytes)
                yield await upload.open()
            case _:
                raise MessageMalformed(field="step", problem="open must come first")
        async with aclosing(batches(steps, at_most=MAX_BATCH)) as taken:
            async for batch in taken:
                self._metrics.received(_payload_bytes(batch))
                async for event in upload.take(batch):
                    yield event
                    if isinstance(event, Stored | GivenUp):
                        return
        raise MessageMalformed(field="step", problem="ended without commit or abort")

    async def _begin(self, tenant: Tenant, manifest_bytes: bytes) -> Upload:
        self._metrics.received(len(manifest_bytes))
        opening, ref = _read(tenant, manifest_bytes)
        now_ms = self._clock_ms()
        require_lifetime(ref, opening, now_ms)
        account = await self._quotas.open(ref, manifest_bytes=len(manifest_bytes), now_ms=now_ms)
        return Upload(
            opening,
            account,
            latents=self._latents,
            flows=self._flows,
            quotas=self._quotas,
            clock_ms=self._clock_ms,
            credit_bytes=self._credit_bytes,
        )

    def _count(self, event: PublishEvent) -> None:
        if isinstance(event, Stored):
            self._metrics.committed()
        elif isinstance(event, GivenUp):
            self._metrics.aborted()


def _payload_bytes(steps: Iterable[PublishStep]) -> int:
    return sum(len(step.payload) for step in steps if isinstance(step, Frame))


def _read(tenant: Tenant, manifest_bytes: bytes) -> tuple[Opening, LatentRef]:
    manifest = manifest_from_bytes(manifest_bytes)
    opening = Opening(
        manifest=manifest_bytes,
        flow=manifest.flow,
        created_ms=manifest.created_ms,
        expires_ms=manifest.expires_ms,
    )
    return opening, LatentRef(tenant=tenant, latent_id=manifest.latent_id)
