"""From the latents that a call names to what the receiver can read: fetched, verified, accepted.

Owns the outcome of each, fallbacks included; commit comes before use, as the broker's client
gives nothing away before it. Knows nothing of the model's work.
"""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial

from opentelemetry import trace

from latentflow.calls import LatentInput, LatentInputs, LatentOutcome
from latentflow.errors import DeadlineExpired, Exhausted, LatentFlowError, Unreachable
from latentflow.latent import LatentId, Outcome, Tenant
from latentflow.rpc import conventions
from latentflow.rpc.facts import reason_of
from latentflow.rpc.stages import Attributes, stage
from latentflow.wire.text import read_text
from services.receiver.acceptance import accept_fallback
from services.receiver.fetching import Fetching, Intake
from services.receiver.metrics import ReceiverMetrics
from services.receiver.reading import Message, Part, Slots
from services.receiver.together import together
from services.receiver.unpacking import Unpacking

TellOutcome = Callable[[LatentOutcome], None]

# A fallback that fails so may be read by the next call, whatever is wrong with its latent.
_FOR_THE_MOMENT = (Exhausted, Unreachable, DeadlineExpired)


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
    """In the order of the call's inputs. `creations` are the traceparents of what is read."""

    parts: tuple[Part, ...]
    outcomes: tuple[LatentOutcome, ...]
    creations: tuple[str, ...]


class Gathering:
    """Each method raises as `Fetching` and `Unpacking` do."""

    def __init__(
        self,
        fetching: Fetching,
        unpacking: Unpacking,
        tracer: trace.Tracer,
        metrics: ReceiverMetrics,
    ) -> None:
        self._fetching = fetching
        self._unpacking = unpacking
        self._tracer = tracer
        self._metrics = metrics

    @asynccontextmanager
    async def gathered(
        self, tenant: Tenant, inputs: LatentInputs, tell_failed: TellOutcome, *, generation: str
    ) -> AsyncIterator[Gathered]:
        """All at once, with their memory for as long as the block lasts.

        `tell_failed` hears of each that can't be used, then the first one's error is raised. The
        current span is linked as `Fetching.intake` says. The broker has noted every use by
        `generation` before any is read.
        """
        if not inputs.latents:
            yield Gathered(parts=(), outcomes=(), creations=())
            return
        with self._fetching.intake(tenant) as intake:
            with stage(self._tracer, conventions.FETCH, _fetching(inputs)):
                results = await together(self._find(each, intake) for each in inputs.latents)
                found = self._all_found(results, tell_failed)
                await together(self._fetching.note(each.used, generation) for each in found)
            for each in found:
                self._metrics.latent(each.outcome)
            yield Gathered(
                parts=tuple(each.part for each in found),
                outcomes=tuple(each.outcome for each in found),
                creations=tuple(each.traceparent for each in found),
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
        check = partial(self._unpacking.check, given)
        fetched = await self._fetching.fetch(given.latent_id, check, intake)
        part = await self._unpacking.part(fetched)
        outcome = LatentOutcome(
            latent_id=given.latent_id,
            outcome=Outcome.LATENT,
            wire_bytes=fetched.wire_bytes,
            adapter=part.adapter.name if isinstance(part, Slots) else "",
        )
        traceparent = fetched.manifest.traceparent
        return Found(used=given.latent_id, part=part, outcome=outcome, traceparent=traceparent)

    async def _instead(
        self, given: LatentInput, error: LatentFlowError, intake: Intake
    ) -> Found | Lost:
        """The fallback, when there is one and a broker to ask for it."""
        if given.fallback is None or isinstance(error, Unreachable):
            return _lost(given, error)
        try:
            fetched = await self._fetching.fetch(given.fallback, accept_fallback, intake)
            part = Message(text=read_text(fetched.stream))
        except _FOR_THE_MOMENT as away:
            return _lost(given, away)
        except LatentFlowError:
            return _lost(given, error)
        outcome = LatentOutcome(
            latent_id=given.latent_id,
            outcome=Outcome.TEXT_FALLBACK,
            reason=reason_of(error),
            wire_bytes=fetched.wire_bytes,
        )
        traceparent = fetched.manifest.traceparent
        return Found(used=given.fallback, part=part, outcome=outcome, traceparent=traceparent)


def _lost(given: LatentInput, error: LatentFlowError) -> Lost:
    reason = reason_of(error)
    failed = LatentOutcome(latent_id=given.latent_id, outcome=Outcome.FAILED, reason=reason)
    return Lost(outcome=failed, error=error)


def _fetching(inputs: LatentInputs) -> Attributes:
    return {
        conventions.MESSAGING_SYSTEM: conventions.LATENTFLOW,
        conventions.MESSAGING_OPERATION: conventions.FETCH,
        conventions.MESSAGING_OPERATION_TYPE: conventions.RECEIVE,
        conventions.MESSAGING_BATCH_COUNT: len(inputs.latents),
    }
