"""Publish: opens or resumes a latent, then answers step by step until its commit or abort."""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing

from latentflow.errors import (
    Conflict,
    Exhausted,
    MessageMalformed,
    NotUsable,
    UnknownLatent,
)
from latentflow.latent import LatentState, Tenant
from latentflow.relay import GivenUp, Open, PublishEvent, PublishStep, Stored
from latentflow.wire.manifests import manifest_from_bytes
from services.broker.admission import require_lifetime, takes_steps
from services.broker.batching import batches
from services.broker.quotas import Quotas
from services.broker.record import ClockMs, LatentRecord, LatentRef, Opening
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
    ) -> None:
        self._latents = latents
        self._quotas = quotas
        self._flows = flows
        self._clock_ms = clock_ms
        self._credit_bytes = credit_bytes

    async def publish(
        self, tenant: Tenant, steps: AsyncIterator[PublishStep]
    ) -> AsyncGenerator[PublishEvent, None]:
        """The answers to the steps; frames that came together have one answer.

        What was acknowledged stays durable, whatever is raised.
        Raises MessageMalformed when the steps are no upload, as `manifest_from_bytes`,
        `require_lifetime`, `Upload` and the store.
        """
        upload = await self._open(tenant, await anext(steps, None))
        yield await upload.resume()
        async with aclosing(batches(steps, at_most=MAX_BATCH)) as taken:
            async for batch in taken:
                async for event in upload.take(batch):
                    yield event
                    if isinstance(event, Stored | GivenUp):
                        return
        raise MessageMalformed(field="step", problem="ended without commit or abort")

    async def _open(self, tenant: Tenant, step: PublishStep | None) -> Upload:
        if not isinstance(step, Open):
            raise MessageMalformed(field="step", problem="open must come first")
        opening, ref = _read(tenant, step.manifest_bytes)
        now_ms = self._clock_ms()
        require_lifetime(ref, opening, now_ms)
        account = await self._quotas.open(ref, manifest_bytes=len(opening.manifest), now_ms=now_ms)
        return Upload(
            await self._record(ref, opening, now_ms),
            account,
            latents=self._latents,
            flows=self._flows,
            quotas=self._quotas,
            clock_ms=self._clock_ms,
            credit_bytes=self._credit_bytes,
        )

    async def _record(self, ref: LatentRef, opening: Opening, now_ms: int) -> LatentRecord:
        """Opens it, and puts its charge right where there is no upload to come."""
        try:
            record = await self._latents.open(ref, opening, now_ms=now_ms)
        except (Conflict, Exhausted, NotUsable):
            await self._put_right(ref, now_ms)
            raise
        if record.state is LatentState.COMMITTED:
            await self._quotas.settle(record, now_ms=now_ms)
        return record

    async def _put_right(self, ref: LatentRef, now_ms: int) -> None:
        try:
            found = await self._latents.find(ref)
        except UnknownLatent:
            await self._quotas.release(ref, now_ms=now_ms)
            return
        if found.state is LatentState.COMMITTED:
            await self._quotas.settle(found, now_ms=now_ms)
        elif not takes_steps(found, now_ms):
            await self._quotas.release(ref, now_ms=now_ms)


def _read(tenant: Tenant, manifest_bytes: bytes) -> tuple[Opening, LatentRef]:
    manifest = manifest_from_bytes(manifest_bytes)
    opening = Opening(
        manifest=manifest_bytes,
        flow=manifest.flow,
        created_ms=manifest.created_ms,
        expires_ms=manifest.expires_ms,
    )
    return opening, LatentRef(tenant=tenant, latent_id=manifest.latent_id)
