"""Has a latent's whole stream heard, as `verify` and `export` do."""

from collections.abc import Callable
from contextlib import aclosing

from latentflow.latent import LatentId, require_same
from latentflow.relay import StreamStep
from latentflow.rpc.broker_client import BrokerClient
from latentflow.rpc.deadline import Deadline
from latentflow.wire.audit import Audited

Hear = Callable[[StreamStep], None]
Conclude = Callable[[], Audited]


async def fetch_into(
    hear: Hear, conclude: Conclude, broker: BrokerClient, latent_id: LatentId, deadline: Deadline
) -> Audited:
    """Raises what `hear` and `conclude` do, and IdentityMismatch when it was another latent."""
    timeout = deadline.remaining_seconds()
    async with aclosing(broker.subscribe(latent_id, timeout=timeout)) as steps:
        async for step in steps:
            hear(step)
    audited = conclude()
    require_same(latent_id, audited.manifest.latent_id, "latent_id")
    return audited
