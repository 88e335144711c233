"""What a tenant may have at once: bytes stored, open uploads, publishes a second.

A tenant's counts lie together, its latents do not: bytes are charged ahead of an upload, a step at
a time, and put right when it ends. What nobody puts right, as its broker died, lapses.
"""

from collections.abc import Callable
from dataclasses import dataclass

from latentflow.errors import QuotaExceeded
from latentflow.latent import Tenant
from services.broker.lifecycle import READING_MS
from services.broker.record import Charge, LatentRecord, LatentRef, TenantLimits
from services.broker.store import QuotaStore

STEP_BYTES = 256 * 1024


@dataclass(slots=True, kw_only=True)
class Account:
    """What an upload is charged for, and when that has to be said again."""

    ref: LatentRef
    charged_bytes: int
    renew_ms: int


LimitsOf = Callable[[Tenant], TenantLimits]


class Quotas:
    """Asks for a tenant's limits each time. Every method raises StoreUnavailable, StoreFull."""

    def __init__(self, store: QuotaStore, limits_of: LimitsOf, *, lease_ms: int) -> None:
        self._store = store
        self._limits_of = limits_of
        self._lease_ms = lease_ms

    async def open(self, ref: LatentRef, *, manifest_bytes: int, now_ms: int) -> Account:
        """For an upload that begins or goes on. Raises QuotaExceeded."""
        account = Account(ref=ref, charged_bytes=0, renew_ms=0)
        await self.grow(account, manifest_bytes, now_ms=now_ms)
        return account

    async def grow(self, account: Account, stored_bytes: int, *, now_ms: int) -> None:
        """Before an upload comes to `stored_bytes`, manifest included. Raises QuotaExceeded."""
        if stored_bytes <= account.charged_bytes:
            if now_ms >= account.renew_ms:
                await self._charge(account, account.charged_bytes, now_ms=now_ms)
            return
        try:
            await self._charge(account, stored_bytes + STEP_BYTES, now_ms=now_ms)
        except QuotaExceeded as refusal:
            # Near the limit what is needed may fit where a step ahead does not.
            if refusal.quota != "stored_bytes":
                raise
            await self._charge(account, stored_bytes, now_ms=now_ms)

    async def settle(self, record: LatentRecord, *, now_ms: int) -> None:
        """For a latent that is complete, or lives on: it counts for what it is."""
        stored_bytes = len(record.opening.manifest) + record.payload_bytes
        until_ms = record.opening.expires_ms + READING_MS
        charge = Charge(stored_bytes=stored_bytes, until_ms=until_ms, is_open=False)
        await self._store.charge(record.ref, charge, now_ms=now_ms)

    async def release(self, ref: LatentRef, *, now_ms: int) -> None:
        """For a latent whose frames are gone."""
        charge = Charge(stored_bytes=0, until_ms=0, is_open=False)
        await self._store.charge(ref, charge, now_ms=now_ms)

    async def _charge(self, account: Account, stored_bytes: int, *, now_ms: int) -> None:
        charge = Charge(
            stored_bytes=stored_bytes,
            until_ms=now_ms + self._lease_ms + READING_MS,
            is_open=True,
        )
        limits = self._limits_of(account.ref.tenant)
        await self._store.charge(account.ref, charge, limits, now_ms=now_ms)
        account.charged_bytes = stored_bytes
        account.renew_ms = now_ms + self._lease_ms // 2
