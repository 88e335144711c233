"""Generate, Score and the sessions: gathers what a call names, and asks the engine over it."""

import secrets
import time
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager

from opentelemetry.trace import Tracer, get_current_span

from latentflow.calls import (
    GenerateCall,
    GenerateEvent,
    LatentInputs,
    LatentOutcome,
    OpenSessionCall,
    Prompt,
    ScoreCall,
    Scored,
    ServiceDescription,
    Session,
    SessionId,
)
from latentflow.errors import InvalidInput
from latentflow.latent import Tenant
from latentflow.rpc import conventions
from latentflow.rpc.links import link_creation
from latentflow.rpc.propagation import current_traceparent
from latentflow.rpc.stages import stage, stages
from latentflow.rpc.told import Tell
from services.receiver.answer import Answer, Answered, Prepared
from services.receiver.asking import Ask
from services.receiver.engine import Engine
from services.receiver.inputs import Gathered, Gathering, TellOutcome
from services.receiver.metrics import ReceiverMetrics
from services.receiver.reading import reading_of
from services.receiver.sessions import Kept, Sessions

Offer = Callable[[Answered], None]


def offer_to_nobody(_answered: Answered) -> None:
    """Answers that end are nobody's concern but the caller's."""


def _to_nobody(_outcome: LatentOutcome) -> None:
    """A call with one response says what failed in its error."""


class Answering:
    """`offer` hears of every answer that `generate` brought to its end.

    Every method raises as `Gathering` and `Engine`; but for `answer`, Overloaded before any work.
    """

    def __init__(
        self,
        *,
        engine: Engine,
        gathering: Gathering,
        sessions: Sessions,
        tracer: Tracer,
        metrics: ReceiverMetrics,
        offer: Offer,
    ) -> None:
        self._engine = engine
        self._gathering = gathering
        self._sessions = sessions
        self._tracer = tracer
        self._metrics = metrics
        self._offer = offer

    def describe(self) -> ServiceDescription:
        return self._engine.describe()

    async def generate(self, tenant: Tenant, call: GenerateCall, tell: Tell[GenerateEvent]) -> None:
        """Tells outcomes, tokens, last the usage. Cancelling stops it and frees its memory."""
        with self._engine.admit():
            answered = await self.answer(tenant, call, tell)
        self._offer(answered)

    async def answer(
        self, tenant: Tenant, call: GenerateCall, tell: Tell[GenerateEvent]
    ) -> Answered:
        """As `generate`, with no place taken for it, and offered to nobody."""
        async with self._prepared(tenant, call.prompt, call.source, tell) as prepared:
            ask = Ask(source=prepared.source, question=call.prompt.question, sampling=call.sampling)
            with stages(self._tracer) as told:
                answer = Answer(prepared, tell, told, self._metrics)
                async with aclosing(self._engine.answer(ask)) as steps:
                    async for step in steps:
                        answer.hear(step)
            outcomes = prepared.outcomes
        return Answered(tenant=tenant, call=call, outcomes=outcomes, text=answer.text)

    async def score(self, tenant: Tenant, call: ScoreCall) -> Scored:
        with self._engine.admit():
            async with self._prepared(tenant, call.prompt, call.source, _to_nobody) as prepared:
                with stage(self._tracer, conventions.PREFILL):
                    scores = await self._engine.score(
                        prepared.source, call.prompt.question, call.options
                    )
                    self._metrics.prefilled(scores.read_tokens)
                return Scored(outcomes=prepared.outcomes, scores=scores.options)

    async def open_session(self, tenant: Tenant, call: OpenSessionCall) -> Session:
        """Memory is accounted before the cache is made. Raises Overloaded when there is none."""
        with self._engine.admit():
            async with self._gathering.gathered(
                tenant, call.inputs, _to_nobody, generation=_new_generation()
            ) as gathered:
                session_id, slots = await self._primed_session(tenant, call, gathered)
            return Session(session_id=session_id, outcomes=gathered.outcomes, latent_slots=slots)

    def close_session(self, tenant: Tenant, session_id: SessionId) -> None:
        """Raises UnknownSession."""
        self._sessions.close(tenant, session_id)

    async def _primed_session(
        self, tenant: Tenant, call: OpenSessionCall, gathered: Gathered
    ) -> tuple[SessionId, int]:
        """With the latent slots that it holds."""
        reading = reading_of(call.context, gathered.parts)
        async with self._engine.priming() as priming:
            plan = await priming.plan(reading)
            with self._sessions.room(self._engine.bytes_of(plan)) as room:
                with stage(self._tracer, conventions.INJECT):
                    primed = await priming.prime(plan)
                    self._metrics.prefilled(primed.tokens)
                kept = Kept(primed=primed, creations=gathered.creations)
                session_id = self._sessions.keep(tenant, kept, room, idle_seconds=call.idle_seconds)
        return session_id, primed.slots

    @asynccontextmanager
    async def _prepared(
        self,
        tenant: Tenant,
        prompt: Prompt,
        source: LatentInputs | SessionId,
        tell_failed: TellOutcome,
    ) -> AsyncIterator[Prepared]:
        """What a question is asked over, with its memory for as long as the block lasts."""
        if isinstance(source, LatentInputs):
            began_at = time.perf_counter()
            async with self._gathering.gathered(
                tenant, source, tell_failed, generation=_new_generation()
            ) as gathered:
                yield Prepared(
                    source=reading_of(prompt.context, gathered.parts),
                    outcomes=gathered.outcomes,
                    fetch_seconds=time.perf_counter() - began_at if source.latents else 0.0,
                )
        else:
            _require_no_context(prompt)
            with self._sessions.use(tenant, source) as kept:
                for each in kept.creations:
                    link_creation(get_current_span(), each)
                yield Prepared(source=kept.primed)


def _new_generation() -> str:
    """Names a use for the latents' lineage: by the call's span where it is traced."""
    return current_traceparent() or secrets.token_hex(16)


def _require_no_context(prompt: Prompt) -> None:
    if prompt.context:
        raise InvalidInput(field="prompt.context", problem="must be empty: the session has its own")
