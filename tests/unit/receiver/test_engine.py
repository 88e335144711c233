"""What the engine's caches take while it answers and scores, and that nothing is left behind."""

from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing

import pytest
from opentelemetry.metrics import NoOpMeter

from latentflow.calls import Sampling
from latentflow.model.footprint import cache_bytes
from latentflow.model.generation import Piece
from latentflow.rpc.worker import Worker
from services.receiver.asking import Ask, Injected
from services.receiver.engine import Engine
from services.receiver.metrics import ReceiverMetrics
from services.receiver.priming import Primer
from services.receiver.reading import Reading
from services.receiver.resident import Resident
from tests.tiny_adapters import FORM
from tests.tiny_pair import TinyPair

READING = Reading(form=FORM, context="", parts=())
QUESTION = "Who?"


@pytest.fixture
async def worker() -> AsyncIterator[Worker]:
    worker = Worker("test", max_admitted=1)
    yield worker
    await worker.close()


@pytest.fixture
def engine(pair: TinyPair, worker: Worker) -> Engine:
    resident = Resident(backbone=pair.receiver, adapters={})
    metrics = ReceiverMetrics(NoOpMeter("test"), model="tiny")
    return Engine(resident, worker, metrics, max_batch=1)


async def test_an_answers_cache_counts_until_its_listener_leaves(
    engine: Engine, worker: Worker, pair: TinyPair
) -> None:
    ask = Ask(source=READING, question=QUESTION, sampling=Sampling(max_tokens=1024))
    prompt_tokens = counted = 0
    async with aclosing(engine.answer(ask)) as steps:
        async for step in steps:
            if isinstance(step, Injected):
                prompt_tokens = step.prompt_tokens
            if isinstance(step, Piece):
                counted = engine.cache_bytes
                break
    assert counted >= cache_bytes(pair.receiver, prompt_tokens) > 0
    async with worker.turn():
        assert engine.cache_bytes == 0


class Looked(tuple[str, ...]):
    """Options at which the engine is looked at when they are read."""

    engine: Engine
    counted = 0

    def __iter__(self) -> Iterator[str]:
        self.counted = self.engine.cache_bytes
        return super().__iter__()


async def test_scores_count_a_cache_for_the_prompt_and_one_for_each_option(
    engine: Engine, pair: TinyPair
) -> None:
    options = Looked((" yes", " no"))
    options.engine = engine
    await engine.score(READING, QUESTION, options)
    primed, ids = Primer(pair.receiver).ready(READING, QUESTION, lambda: False)
    assert options.counted == cache_bytes(pair.receiver, 3 * (primed.positions + len(ids)))
    assert engine.cache_bytes == 0
