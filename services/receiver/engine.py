"""The receiver's engine: the resident model and the one thread that computes with it.

Owns what runs on the thread; knows nothing of latents' ways here, nor of sessions.
"""

from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Sequence
from contextlib import AbstractContextManager, asynccontextmanager, contextmanager
from dataclasses import dataclass
from functools import partial

from latentflow.calls import OptionScore, ServiceDescription
from latentflow.model.footprint import cache_bytes
from latentflow.model.prompt import PromptFormat
from latentflow.model.scoring import score_options
from latentflow.rpc.worker import Turn, Worker
from services.receiver.asking import Ask, Asked, Step
from services.receiver.batches import Batches
from services.receiver.decoding import decode
from services.receiver.metrics import ReceiverMetrics
from services.receiver.priming import (
    IsCancelled,
    OnPositions,
    Plan,
    Primed,
    Primer,
    Source,
    tokens_before,
)
from services.receiver.reading import Reading
from services.receiver.resident import Resident


class Priming:
    """The thread, held by one caller from the plan of a cache to the cache."""

    def __init__(self, primer: Primer, turn: Turn) -> None:
        self._primer = primer
        self._turn = turn

    async def plan(self, reading: Reading) -> Plan:
        """Raises ContextTooLong."""
        return await self._turn.run(partial(self._primer.plan, reading))

    async def prime(self, plan: Plan) -> Primed:
        return await self._turn.run(partial(self._primer.prime, plan, self._turn.is_cancelled))


@dataclass(frozen=True, slots=True, kw_only=True)
class Scores:
    """One for each option; `read_tokens` were read for them."""

    read_tokens: int
    options: tuple[OptionScore, ...]


class Engine:
    """Belongs to one event loop, which never computes."""

    def __init__(
        self, resident: Resident, worker: Worker, metrics: ReceiverMetrics, *, max_batch: int
    ) -> None:
        self._resident = resident
        self._worker = worker
        self._metrics = metrics
        self._primer = Primer(resident.backbone)
        self._batches = Batches(worker, self._decode, max_rows=max_batch)
        self._cache_bytes = 0

    async def warm_up(self) -> None:
        """Does what would make the first call slower than the others."""
        forms = [adapter.header.prompt for adapter in self._resident.adapters.values()]
        async with self._worker.turn() as turn:
            await turn.run(partial(self._primer.warm_up, [PromptFormat(), *forms]))

    @property
    def cache_bytes(self) -> int:
        """Memory of the caches of what is being answered; may be asked on any thread."""
        return self._cache_bytes

    def describe(self) -> ServiceDescription:
        return self._resident.describe()

    def admit(self) -> AbstractContextManager[None]:
        """A place for one call, from before its work to after it. Raises Overloaded."""
        return self._worker.admit()

    def answer(self, ask: Ask) -> AsyncGenerator[Step, None]:
        """Begun, Injected, then pieces; leaving early stops the work and frees its memory.

        Raises EmptyInput, ContextTooLong.
        """
        return self._batches.answer(ask)

    async def score(self, source: Source, question: str, options: Sequence[str]) -> Scores:
        """Raises EmptyInput, ContextTooLong."""
        async with self._worker.turn() as turn:
            return await turn.run(
                partial(self._score, source, question, options, turn.is_cancelled)
            )

    def bytes_of(self, plan: Plan) -> int:
        """Memory of the planned cache."""
        return self._primer.bytes_of(plan)

    @asynccontextmanager
    async def priming(self) -> AsyncIterator[Priming]:
        async with self._worker.turn() as turn:
            yield Priming(self._primer, turn)

    def _decode(self, batch: Sequence[Asked]) -> None:
        batch[0].in_its_span(partial(self._metrics.batch, len(batch)))
        with self._counting() as on_positions:
            decode(self._primer, batch, on_positions=on_positions)

    def _score(
        self, source: Source, question: str, options: Sequence[str], is_cancelled: IsCancelled
    ) -> Scores:
        with self._counting() as on_positions:
            primed, ids = self._primer.ready(
                source,
                question,
                is_cancelled,
                # Each option is read behind a copy of the prompt's cache.
                on_positions=lambda positions: on_positions((1 + len(options)) * positions),
            )
            scores = score_options(self._primer.backbone, primed.cache, ids, options)
        prompt_tokens = primed.tokens + len(ids) - tokens_before(source)
        read_tokens = prompt_tokens + sum(score.tokens for score in scores)
        return Scores(read_tokens=read_tokens, options=scores)

    @contextmanager
    def _counting(self) -> Iterator[OnPositions]:
        """Counts caches by their positions, on the thread, for as long as the block lasts."""

        def on_positions(positions: int) -> None:
            self._cache_bytes = cache_bytes(self._primer.backbone, positions)

        try:
            yield on_positions
        finally:
            on_positions(0)
