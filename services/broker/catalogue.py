"""GetLatent, ListLatents, FindLatent and RenewLatent: what there is, and that it lives on."""

from dataclasses import replace

from latentflow.errors import LatentClosed, LatentRevoked, UnknownLatent
from latentflow.latent import MAX_LIFETIME_SECONDS, LatentId, LatentInfo, LatentState, Tenant
from latentflow.relay import FindCall, LatentPage, ListCall, RenewCall
from services.broker.contents import content_of
from services.broker.description import describe
from services.broker.lifecycle import is_available, require_unexpired, state_at
from services.broker.quotas import Quotas
from services.broker.record import ClockMs, ContentRef, LatentRecord, LatentRef, Listing
from services.broker.store import LatentStore


class Catalogue:
    """One tenant at a time; another's latents are unknown to it."""

    def __init__(self, *, latents: LatentStore, quotas: Quotas, clock_ms: ClockMs) -> None:
        self._latents = latents
        self._quotas = quotas
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

    async def find(self, tenant: Tenant, call: FindCall) -> LatentInfo | None:
        """A latent of the content that may be read; None when there is none any more."""
        content = ContentRef(tenant=tenant, flow=call.flow, content_digest=call.content_digest)
        latent_id = await self._latents.recall(content)
        if latent_id is None:
            return None
        try:
            record = await self._latents.find(LatentRef(tenant=tenant, latent_id=latent_id))
        except UnknownLatent:
            return None
        now_ms = self._clock_ms()
        return describe(record, now_ms) if is_available(record, now_ms) else None

    async def renew(self, tenant: Tenant, call: RenewCall) -> LatentInfo:
        """Raises UnknownLatent, LatentExpired, LatentRevoked, or LatentClosed when incomplete."""
        ref = LatentRef(tenant=tenant, latent_id=call.latent_id)
        now_ms = self._clock_ms()
        found = await self._latents.find(ref)
        latest_ms = found.opening.created_ms + MAX_LIFETIME_SECONDS * 1000
        _require_renewable(found, now_ms)
        expires_ms = max(found.opening.expires_ms, min(call.expires_ms, latest_ms))
        # Settled first: a revocation meanwhile releases it, not the other way round.
        longer = replace(found, opening=replace(found.opening, expires_ms=expires_ms))
        await self._quotas.settle(longer, now_ms=now_ms)
        record = await self._latents.renew(ref, expires_ms=expires_ms, now_ms=now_ms)
        _require_renewable(record, now_ms)
        await self._remember(record)
        return describe(record, now_ms)

    async def _remember(self, record: LatentRecord) -> None:
        """Unless another one is given for its content by now."""
        content, latent_id = content_of(record), record.ref.latent_id
        if await self._latents.recall(content) in (None, latent_id):
            until_ms = record.opening.expires_ms
            await self._latents.remember(content, latent_id, until_ms=until_ms)


def _require_renewable(record: LatentRecord, now_ms: int) -> None:
    if record.state is LatentState.REVOKED:
        raise LatentRevoked(latent_id=record.ref.latent_id)
    require_unexpired(record, now_ms)
    state = state_at(record, now_ms)
    if state is not LatentState.COMMITTED:
        raise LatentClosed(latent_id=record.ref.latent_id, state=state)
