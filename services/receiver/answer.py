"""One answer as its caller hears it: events, timings and the spans of its stages.

Knows nothing of how the steps come about.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass

from latentflow.calls import (
    GenerateCall,
    GenerateEvent,
    GenerateTimings,
    LatentOutcome,
    TokenText,
    Usage,
)
from latentflow.latent import Tenant
from latentflow.model.generation import Piece
from latentflow.rpc import conventions
from latentflow.rpc.stages import Attributes, Stages
from services.receiver.asking import Begun, Injected, Step
from services.receiver.metrics import ReceiverMetrics
from services.receiver.priming import Source, tokens_before


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """A call with its whole answer."""

    tenant: Tenant
    call: GenerateCall
    outcomes: tuple[LatentOutcome, ...]
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """What a question is asked over, and what happened to the latents in it."""

    source: Source
    outcomes: tuple[LatentOutcome, ...] = ()
    fetch_seconds: float = 0.0


class Answer:
    """Hears Begun, Injected, then pieces; `tell` gets what the caller is to hear."""

    def __init__(
        self,
        prepared: Prepared,
        tell: Callable[[GenerateEvent], None],
        stages: Stages,
        metrics: ReceiverMetrics,
    ) -> None:
        self._prepared = prepared
        self._tell = tell
        self._stages = stages
        self._metrics = metrics
        self._queue_seconds = 0.0
        self._injected: Injected | None = None
        self._injected_at = 0.0
        self._first_at = 0.0
        self._texts = list[str]()

    @property
    def text(self) -> str:
        """What was answered until now."""
        return "".join(self._texts)

    def hear(self, step: Step) -> None:
        match step:
            case Begun():
                self._queue_seconds = step.queue_seconds
                self._stages.begin(conventions.INJECT)
            case Injected():
                self._hear_injected(step)
            case Piece():
                self._hear_piece(step)

    def _hear_injected(self, injected: Injected) -> None:
        self._injected, self._injected_at = injected, time.perf_counter()
        self._stages.note({conventions.LATENT_SLOTS: injected.latent_slots})
        read = {conventions.GEN_AI_INPUT_TOKENS: injected.prompt_tokens}
        self._stages.begin(conventions.PREFILL, read)
        for outcome in self._prepared.outcomes:
            self._tell(outcome)

    def _hear_piece(self, piece: Piece) -> None:
        assert self._injected is not None
        if piece.tokens == 1:
            self._hear_first(self._injected)
        self._stages.note({conventions.GEN_AI_OUTPUT_TOKENS: piece.tokens})
        self._texts.append(piece.text)
        self._tell(TokenText(text=piece.text))
        if piece.finish is not None:
            self._tell(self._usage(piece, self._injected))

    def _hear_first(self, injected: Injected) -> None:
        self._first_at = time.perf_counter()
        self._stages.begin(conventions.DECODE, _WRITING)
        before = self._prepared.fetch_seconds + self._queue_seconds + injected.inject_seconds
        self._metrics.first_token(before + self._prefill_seconds)
        self._metrics.prefilled(injected.prompt_tokens - tokens_before(self._prepared.source))

    @property
    def _prefill_seconds(self) -> float:
        return self._first_at - self._injected_at

    def _usage(self, last: Piece, injected: Injected) -> Usage:
        assert last.finish is not None
        decode_seconds = time.perf_counter() - self._first_at
        self._metrics.last_token(decode_seconds, tokens=last.tokens)
        self._stages.note({conventions.GEN_AI_FINISH_REASONS: [last.finish.value]})
        return Usage(
            prompt_tokens=injected.prompt_tokens,
            latent_slots=injected.latent_slots,
            completion_tokens=last.tokens,
            finish=last.finish,
            timings=GenerateTimings(
                queue_seconds=self._queue_seconds,
                fetch_seconds=self._prepared.fetch_seconds,
                inject_seconds=injected.inject_seconds,
                prefill_seconds=self._prefill_seconds,
                decode_seconds=decode_seconds,
            ),
        )


_WRITING: Attributes = {
    conventions.GEN_AI_OPERATION: conventions.TEXT_COMPLETION,
    conventions.GEN_AI_PROVIDER: conventions.LATENTFLOW,
}
