"""GetLatent, ListLatents and RevokeLatent: what there is, and taking it back."""

from latentflow.latent import LatentId, LatentInfo, Tenant
from latentflow.relay import LatentPage, ListCall
from services.broker.description import describe
from services.broker.lifecycle import require_unexpired
from services.broker.record import ClockMs, LatentRef, Listing
from services.broker.store import LatentStore


class Catalogue:
    """One tenant at a time; another's latents are unknown to it."""

    def __init__(self, *, latents: LatentStore, clock_ms: ClockMs) -> None:
        self._latents = latents
        self._clock_ms = clock_ms

    async def get(self, tenant: Tenant, latent_id: LatentId) -> LatentInfo:
        """Raises UnknownLatent or LatentExpired."""
        record = await self._latents.find(LatentRef(tenant=tenant, latent_id=latent_id))
        now_ms = self._clock_ms()
        require_unexpired(record, now_ms)
        return describe(record, now_ms)

    async def page(self, tenant: Tenant, call: ListCall) -> LatentPage:
        """Newest first, without what has expired. Raises InvalidInput for a token of nobody's."""
        now_ms = self._clock_ms()
        listing = Listing(
            tenant=tenant, flow=call.flow, page_size=call.page_size, after=call.page_token
        )
        page = await self._latents.page(listing, now_ms=now_ms)
        return LatentPage(
            latents=tuple(describe(record, now_ms) for record in page.records),
            next_page_token=page.next_token,
        )

    async def revoke(self, tenant: Tenant, latent_id: LatentId) -> None:
        """Idempotent. Raises UnknownLatent."""
        await self._latents.revoke(LatentRef(tenant=tenant, latent_id=latent_id))
