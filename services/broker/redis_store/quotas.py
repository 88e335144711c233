"""QuotaStore on Redis: one script over one tenant's counts."""

from latentflow.errors import QuotaExceeded
from services.broker.keys import quota_keys
from services.broker.lifecycle import LONGEST_KEPT_MS
from services.broker.record import Charge, LatentRef, TenantLimits
from services.broker.redis_store.connection import Connections
from services.broker.redis_store.scripts import script


class RedisQuotas:
    """See `store.QuotaStore`."""

    def __init__(self, connections: Connections) -> None:
        self._charge = script(connections.commands, "charge")

    async def charge(
        self, ref: LatentRef, charge: Charge, limits: TenantLimits | None = None, *, now_ms: int
    ) -> None:
        args: list[str | int | float] = [
            ref.latent_id,
            now_ms,
            charge.stored_bytes,
            charge.until_ms,
            int(charge.is_open),
            LONGEST_KEPT_MS,
        ]
        if limits is not None:
            args += [limits.stored_bytes, limits.open_uploads, limits.publishes_per_second]
        taken, *refused = await self._charge(keys=quota_keys(ref.tenant), args=args)
        if limits is not None and not taken:
            quota, retry_ms = refused[0].decode(), int(refused[1])
            raise QuotaExceeded(
                quota=quota, limit=int(getattr(limits, quota)), retry_after_seconds=retry_ms / 1000
            )
