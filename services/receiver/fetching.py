"""The receiver's side of the broker: takes latents within memory and time, links a call to where
they were made, and notes their use.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from opentelemetry import trace

from latentflow.latent import LatentId, Manifest, Tenant
from latentflow.relay import UseCall
from latentflow.rpc.broker_client import BrokerClient, Fetched
from latentflow.rpc.deadline_interceptor import remaining_seconds
from latentflow.rpc.links import link_creation
from latentflow.sealing.guard import ReaderKeys
from latentflow.wire.guard import Guard
from services.receiver.acceptance import resident_bytes
from services.receiver.budget import Account, MemoryBudget, account

Check = Callable[[Manifest], object]
"""Raises for what may not be fetched."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Intake:
    """What one call fetches with: its span, the memory it has taken, and its tenant's keys."""

    span: trace.Span
    memory: Account
    guard: Guard


class Fetching:
    """A latent is waited for `fetch_seconds`, or to the call's deadline when that is sooner."""

    def __init__(
        self,
        *,
        broker: BrokerClient,
        reader: str,
        fetch_seconds: float,
        keys: ReaderKeys,
        budget: MemoryBudget,
    ) -> None:
        self._broker = broker
        self._reader = reader
        self._fetch_seconds = fetch_seconds
        self._keys = keys
        self._budget = budget

    @contextmanager
    def intake(self, tenant: Tenant) -> Iterator[Intake]:
        """All that is fetched with it is accounted for until the block ends; the current span gets
        a link to the creation of each latent whose manifest is read, also of one that is refused.
        """
        span = trace.get_current_span()
        with account(self._budget) as memory:
            yield Intake(span=span, memory=memory, guard=self._keys.guard(tenant))

    async def fetch(self, latent_id: LatentId, check: Check, intake: Intake) -> Fetched:
        """Verified against its commit. Raises as `check`, which hears the manifest before a frame
        is taken, as `MemoryBudget.take` and as `BrokerClient.fetch`.
        """

        def admit(manifest: Manifest) -> None:
            link_creation(intake.span, manifest.traceparent)
            check(manifest)
            intake.memory.take(resident_bytes(manifest))

        return await self._broker.fetch(
            latent_id, timeout=self._timeout(), admit=admit, guard=intake.guard
        )

    async def note(self, latent_id: LatentId, generation: str) -> None:
        call = UseCall(latent_id=latent_id, reader=self._reader, generation=generation)
        await self._broker.record_use(call, timeout=self._timeout())

    def _timeout(self) -> float:
        return min(self._fetch_seconds, remaining_seconds())
