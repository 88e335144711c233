"""The sharer's engine: the resident model and the one thread that computes with it.

Owns the order of the steps, their spans and timings; knows nothing of the broker.
"""

import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

from opentelemetry.trace import Tracer

from latentflow.calls import (
    LatentMeans,
    Prefilled,
    Queued,
    ServiceDescription,
    ShareCall,
    ShareEvent,
    ShareTimings,
)
from latentflow.errors import InvalidInput
from latentflow.latent import Digest, ModelIdentity
from latentflow.model.footprint import cache_bytes
from latentflow.rpc import conventions
from latentflow.rpc.stages import Attributes, stage
from latentflow.rpc.told import Tell
from latentflow.rpc.worker import Turn, Worker
from services.sharer.message import MessageWork
from services.sharer.metrics import SharerMetrics
from services.sharer.packed import Packed
from services.sharer.resident import Resident
from services.sharer.vectors import VectorWork
from services.sharer.work import Work

Read = TypeVar("Read")


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """A latent that is not published yet. `timings` has no publish_seconds.

    `cache_bytes` is what the sharer's KV cache of the context takes.
    """

    packed: Packed
    cache_bytes: int
    timings: ShareTimings


class Engine:
    """Belongs to one event loop, which never computes."""

    def __init__(
        self, resident: Resident, worker: Worker, tracer: Tracer, metrics: SharerMetrics
    ) -> None:
        self._resident = resident
        self._worker = worker
        self._tracer = tracer
        self._metrics = metrics
        self._cache_bytes = 0

    @property
    def cache_bytes(self) -> int:
        """Memory of the cache that is being read or summarised; may be asked on any thread."""
        return self._cache_bytes

    @property
    def identity(self) -> ModelIdentity:
        return self._resident.backbone.identity

    def describe(self) -> ServiceDescription:
        return self._resident.describe()

    def admit(self) -> AbstractContextManager[None]:
        """A place for one call, from before its work to after it. Raises Overloaded."""
        return self._worker.admit()

    async def make(self, call: ShareCall, tell: Tell[ShareEvent]) -> Made:
        """Tells Queued and Prefilled. Cancelling stops the work.

        Raises UnknownAdapter, InvalidInput, EmptyInput, ContextTooLong.
        """
        work = self._work_for(call)
        asked_at = time.perf_counter()
        async with self._worker.turn(lambda ahead: tell(Queued(ahead=ahead))) as turn:
            queue_seconds = time.perf_counter() - asked_at
            return await self._do(work, turn, tell, queue_seconds)

    def adapter_for(self, call: ShareCall) -> Digest | None:
        """The adapter that a call asks for; None for text. Raises UnknownAdapter, InvalidInput."""
        if not isinstance(call.means, LatentMeans):
            return None
        return self._resident.choose(call.means.adapter).digest

    def _work_for(self, call: ShareCall) -> Work[Any]:
        backbone = self._resident.backbone
        if not isinstance(call.means, LatentMeans):
            return MessageWork(
                backbone=backbone, means=call.means, context=call.context, need=call.need
            )
        if call.need:
            problem = "must be empty: no adapter is trained with it"
            raise InvalidInput(field="need", problem=problem)
        adapter = self._resident.choose(call.means.adapter)
        return VectorWork(
            backbone=backbone, adapter=adapter, means=call.means, context=call.context
        )

    async def _do(
        self, work: Work[Read], turn: Turn, tell: Tell[ShareEvent], queue_seconds: float
    ) -> Made:
        began_at = time.perf_counter()
        ids = await turn.run(work.tokenise)
        with self._counting(tokens=len(ids)) as counted_bytes:
            read = await self._prefill(work, ids, turn, tell)
            read_at = time.perf_counter()
            with stage(self._tracer, conventions.SUMMARISE):
                packed = await turn.run(partial(work.summarise, read, turn.is_cancelled))
        timings = ShareTimings(
            queue_seconds=queue_seconds,
            prefill_seconds=read_at - began_at,
            summarise_seconds=time.perf_counter() - read_at,
        )
        return Made(packed=packed, cache_bytes=counted_bytes, timings=timings)

    @contextmanager
    def _counting(self, *, tokens: int) -> Iterator[int]:
        """The memory of their cache, which counts for as long as the block lasts."""
        self._cache_bytes = cache_bytes(self._resident.backbone, tokens)
        try:
            yield self._cache_bytes
        finally:
            self._cache_bytes = 0

    async def _prefill(
        self, work: Work[Read], ids: list[int], turn: Turn, tell: Tell[ShareEvent]
    ) -> Read:
        def on_tokens(tokens: int) -> None:
            tell(Prefilled(tokens=tokens, of_tokens=len(ids)))

        attributes: Attributes = {
            conventions.GEN_AI_REQUEST_MODEL: self.identity.name,
            conventions.GEN_AI_INPUT_TOKENS: len(ids),
        }
        with stage(self._tracer, conventions.PREFILL, attributes):
            read = await turn.run(
                partial(work.prefill, ids, turn.from_thread(on_tokens), turn.is_cancelled)
            )
        self._metrics.prefilled(len(ids))
        return read
