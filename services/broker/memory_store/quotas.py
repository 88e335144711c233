"""QuotaStore in memory: what each tenant's latents count for."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from latentflow.errors import QuotaExceeded
from latentflow.latent import LatentId, Tenant
from services.broker.record import Charge, LatentRef, TenantLimits

_SECOND_MS = 1000


@dataclass(slots=True)
class _Counts:
    charges: dict[LatentId, Charge] = field(default_factory=dict)
    next_due_ms: float = 0.0

    def forget_lapsed(self, now_ms: int) -> None:
        kept = ((key, each) for key, each in self.charges.items() if each.until_ms > now_ms)
        self.charges = dict(kept)


class MemoryQuotas:
    """See `store.QuotaStore`."""

    def __init__(self) -> None:
        self._counts: dict[Tenant, _Counts] = defaultdict(_Counts)

    async def charge(
        self, ref: LatentRef, charge: Charge, limits: TenantLimits | None = None, *, now_ms: int
    ) -> None:
        counts = self._counts[ref.tenant]
        counts.forget_lapsed(now_ms)
        if limits is not None:
            charge = _no_less(charge, counts.charges.get(ref.latent_id))
            _admit(counts, ref.latent_id, charge, limits, now_ms)
        elif ref.latent_id not in counts.charges:
            return
        counts.charges.pop(ref.latent_id, None)
        if charge.stored_bytes:
            counts.charges[ref.latent_id] = charge


def _no_less(charge: Charge, before: Charge | None) -> Charge:
    """Whoever opens a latent again knows less of it than whoever charged it before."""
    if before is None:
        return charge
    return replace(
        charge,
        stored_bytes=max(charge.stored_bytes, before.stored_bytes),
        until_ms=max(charge.until_ms, before.until_ms),
    )


def _admit(
    counts: _Counts, latent_id: LatentId, charge: Charge, limits: TenantLimits, now_ms: int
) -> None:
    others = [each for key, each in counts.charges.items() if key != latent_id]
    before = counts.charges.get(latent_id)
    charged_bytes = before.stored_bytes if before else 0
    stored_bytes = sum(each.stored_bytes for each in others)
    grows = charge.stored_bytes > charged_bytes
    if grows and stored_bytes + charge.stored_bytes > limits.stored_bytes:
        raise _refusal("stored_bytes", limits.stored_bytes, _wait(counts.charges.values(), now_ms))
    if before is not None and before.is_open:
        return
    uploads = [each for each in others if each.is_open]
    if len(uploads) >= limits.open_uploads:
        raise _refusal("open_uploads", limits.open_uploads, _wait(uploads, now_ms))
    due_ms = max(float(now_ms), counts.next_due_ms)
    interval_ms = _SECOND_MS / limits.publishes_per_second
    early_ms = due_ms - now_ms - max(0.0, _SECOND_MS - interval_ms)
    if early_ms > 0:
        raise _refusal("publishes_per_second", int(limits.publishes_per_second), early_ms)
    counts.next_due_ms = due_ms + interval_ms


def _wait(charges: Iterable[Charge], now_ms: int) -> float:
    return max(1, min((each.until_ms for each in charges), default=now_ms + _SECOND_MS) - now_ms)


def _refusal(quota: str, limit: int, wait_ms: float) -> QuotaExceeded:
    return QuotaExceeded(quota=quota, limit=limit, retry_after_seconds=wait_ms / 1000)
