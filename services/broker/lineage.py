"""RecordUse, GetLineage and RevokeLatent: who has used a latent, and taking it back from them."""

import logging
from collections.abc import Sequence

from latentflow.latent import LatentId, Tenant
from latentflow.relay import Lineage, Receipt, UseCall
from services.broker.description import describe
from services.broker.quotas import Quotas
from services.broker.record import ClockMs, LatentRef
from services.broker.store import LatentStore

_log = logging.getLogger(__name__)


class Lineages:
    """One tenant at a time. What was used is known as long as the latent's record is kept."""

    def __init__(self, *, latents: LatentStore, quotas: Quotas, clock_ms: ClockMs) -> None:
        self._latents = latents
        self._quotas = quotas
        self._clock_ms = clock_ms

    async def note(self, tenant: Tenant, call: UseCall) -> None:
        """Also of a latent that was revoked meanwhile: it was used. Raises as the store."""
        await self._latents.note(call, tenant, now_ms=self._clock_ms())

    async def lineage(self, tenant: Tenant, latent_id: LatentId) -> Lineage:
        """Also of a latent that has expired. Raises UnknownLatent."""
        ref = LatentRef(tenant=tenant, latent_id=latent_id)
        record = await self._latents.find(ref)
        receipts = await self._latents.receipts(ref)
        return Lineage(latent=describe(record, self._clock_ms()), receipts=tuple(receipts))

    async def revoke(self, tenant: Tenant, latent_id: LatentId) -> Sequence[Receipt]:
        """Whom it had reached. Idempotent. Raises UnknownLatent."""
        ref = LatentRef(tenant=tenant, latent_id=latent_id)
        await self._latents.revoke(ref)
        _log.info("latent %s of tenant %s is withdrawn", latent_id, tenant)
        await self._quotas.release(ref, now_ms=self._clock_ms())
        return await self._latents.receipts(ref)
