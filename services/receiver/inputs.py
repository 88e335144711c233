"""From the latents that a call names to what the receiver can read: fetched, verified, accepted.

Owns the outcome of each, fallbacks included; commit comes before use, as the broker's client
gives nothing away before it. Knows nothing of the model's work.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

from opentelemetry import trace

from latentflow.calls import LatentInput, LatentInputs, LatentOutcome
from latentflow.errors import LatentFlowError, Unreachable
from latentflow.latent import LatentId, Manifest, Outcome, Tenant
from latentflow.relay import UseCall
from latentflow.rpc import conventions
from latentflow.rpc.broker_client import BrokerClient, Fetched
from latentflow.rpc.deadline_interceptor import remaining_seconds
from latentflow.rpc.facts import reason_of
from latentflow.rpc.links import link_creation
from latentflow.rpc.stages import Attributes, stage
from latentflow.sealing.guard import ReaderKeys
from latentflow.wire.guard import Guard
from latentflow.wire.quantise import unpack
from latentflow.wire.text import read_text
from services.receiver.acceptance import accept, accept_fallback, resident_bytes
from services.receiver.budget import Account
from services.receiver.fidelity import Fidelity
from services.receiver.metrics import ReceiverMetrics
from services.receiver.reading import Message, Part, Slots
from services.receiver.resident import Resident
from services.receiver.together import together

TellOutcome = Callable[[LatentOutcome], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A latent that can be read, or the message in its place; `used` is the one that is."""

    used: LatentId
    part: Part
    outcome: LatentOutcome
    traceparent: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Lost:
    outcome: LatentOutcome
    error: LatentFlowError


@dataclass(frozen=True, slots=True, kw_only=True)
class Gathered:
    """In the order of the call's inputs."""

    parts: tuple[Part, ...]
    outcomes: tuple[LatentOutcome, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Intake:
    """What one call reads with: the memory it may take, and its tenant's keys."""

    memory: Account
    guard: Guard


class Gathering:
    """A latent is waited for `fetch_seconds`, or to the call's deadline when that is sooner."""

    def __init__(
        self,
        *,
        broker: BrokerClient,
        resident: Resident,
        reader: str,
        fetch_seconds: float,
        keys: ReaderKeys,
        fidelity: Fidelity,
        tracer: trace.Tracer,
        metrics: ReceiverMetrics,
    ) -> None:
        self._broker = broker
        self._resident = resident
        self._holdings = resident.holdings()
        self._reader = reader
        self._fetch_seconds = fetch_seconds
        self._keys = keys
        self._fidelity = fidelity
        self._tracer = tracer
        self._metrics = metrics

    async def gather(
        self,
        tenant: Tenant,
        inputs: LatentInputs,
        memory: Account,
        tell_failed: TellOutcome,
        *,
        generation: str,
    ) -> Gathered:
        """All at once. `tell_failed` hears of each that can't be used, then the first one's error
        is raised. The current span gets a link to each latent's creation.

        The broker has noted every use by `generation` before any is read.
        """
        if not inputs.latents:
            return Gathered(parts=(), outcomes=())
        span = trace.get_current_span()
        with stage(self._tracer, conventions.FETCH, _fetching(inputs)):
            intake = Intake(memory=memory, guard=self._keys.guard(tenant))
            results = await together(self._find(each, intake) for each in inputs.latents)
            found = self._all_found(results, tell_failed)
            await together(self._note(each.used, generation) for each in found)
        for each in found:
            self._metrics.latent(each.outcome)
            link_creation(span, each.traceparent)
        return Gathered(
            parts=tuple(each.part for each in found),
            outcomes=tuple(each.outcome for each in found),
        )

    def _all_found(self, results: Sequence[Found | Lost], tell_failed: TellOutcome) -> list[Found]:
        lost = [result for result in results if isinstance(result, Lost)]
        for each in lost:
            self._metrics.latent(each.outcome)
            tell_failed(each.outcome)
        if lost:
            raise lost[0].error
        return [result for result in results if isinstance(result, Found)]

    async def _find(self, given: LatentInput, intake: Intake) -> Found | Lost:
        try:
            return await self._latent(given, intake)
        except LatentFlowError as error:
            return await self._instead(given, error, intake)

    async def _latent(self, given: LatentInput, intake: Intake) -> Found:
        fetched = await self._fetch(given.latent_id, partial(self._accept, given), intake)
        part = await asyncio.to_thread(self._part, fetched)
        outcome = LatentOutcome(
            latent_id=given.latent_id,
            outcome=Outcome.LATENT,
            wire_bytes=fetched.wire_bytes,
            adapter=part.adapter.name if isinstance(part, Slots) else "",
        )
        traceparent = fetched.manifest.traceparent
        return Found(used=given.latent_id, part=part, outcome=outcome, traceparent=traceparent)

    def _accept(self, given: LatentInput, manifest: Manifest) -> None:
        """A demotion is for calls that have a text to go by."""
        digest = accept(manifest, self._holdings)
        if digest is not None and given.fallback is not None:
            self._fidelity.require_trusted(self._resident.adapters[digest].name)

    async def _note(self, latent_id: LatentId, generation: str) -> None:
        call = UseCall(latent_id=latent_id, reader=self._reader, generation=generation)
        await self._broker.record_use(call, timeout=self._timeout())

    def _timeout(self) -> float:
        return min(self._fetch_seconds, remaining_seconds())

    async def _instead(
        self, given: LatentInput, error: LatentFlowError, intake: Intake
    ) -> Found | Lost:
        """The fallback, when there is one and a broker to ask for it."""
        reason = reason_of(error)
        failed = LatentOutcome(latent_id=given.latent_id, outcome=Outcome.FAILED, reason=reason)
        if given.fallback is None or isinstance(error, Unreachable):
            return Lost(outcome=failed, error=error)
        try:
            fetched = await self._fetch(given.fallback, accept_fallback, intake)
            part = Message(text=read_text(fetched.stream))
        except LatentFlowError:
            return Lost(outcome=failed, error=error)
        outcome = replace(failed, outcome=Outcome.TEXT_FALLBACK, wire_bytes=fetched.wire_bytes)
        traceparent = fetched.manifest.traceparent
        return Found(used=given.fallback, part=part, outcome=outcome, traceparent=traceparent)

    async def _fetch(
        self, latent_id: LatentId, check: Callable[[Manifest], object], intake: Intake
    ) -> Fetched:
        def admit(manifest: Manifest) -> None:
            check(manifest)
            intake.memory.take(resident_bytes(manifest))

        return await self._broker.fetch(
            latent_id, timeout=self._timeout(), admit=admit, guard=intake.guard
        )

    def _part(self, fetched: Fetched) -> Part:
        manifest = fetched.manifest
        digest = accept(manifest, self._holdings)
        if digest is None:
            return Message(text=read_text(fetched.stream))
        vectors = unpack(fetched.stream, manifest.layout, manifest.codec)
        return Slots(adapter=self._resident.adapters[digest], vectors=vectors)


def _fetching(inputs: LatentInputs) -> Attributes:
    return {
        conventions.MESSAGING_SYSTEM: conventions.LATENTFLOW,
        conventions.MESSAGING_OPERATION: conventions.FETCH,
        conventions.MESSAGING_OPERATION_TYPE: conventions.RECEIVE,
        conventions.MESSAGING_BATCH_COUNT: len(inputs.latents),
    }
