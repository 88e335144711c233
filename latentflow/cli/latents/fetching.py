"""Has a latent's whole stream heard, as `verify` and `export` do."""

from contextlib import aclosing
from typing import Protocol

from latentflow.latent import LatentId, require_same
from latentflow.relay import StreamStep
from latentflow.rpc.broker_client import BrokerClient
from latentflow.rpc.deadline import Deadline
from latentflow.wire.audit import Audited


class Listener(Protocol):
    """An Audit, or what does more with each step that an Audit found right."""

    def hear(self, step: StreamStep) -> None: ...

    def verdict(self) -> Audited: ...


async def fetch_into(
    listener: Listener, broker: BrokerClient, latent_id: LatentId, deadline: Deadline
) -> Audited:
    """Raises what the listener does, and IdentityMismatch when it was another latent."""
    timeout = deadline.remaining_seconds()
    async with aclosing(broker.subscribe(latent_id, timeout=timeout)) as steps:
        async for step in steps:
            listener.hear(step)
    audited = listener.verdict()
    require_same(latent_id, audited.manifest.latent_id, "latent_id")
    return audited
