"""Where the sharer's memory goes, as its metrics tell it."""

from opentelemetry.metrics import NoOpMeter
from opentelemetry.trace import NoOpTracer

from latentflow.calls import LatentMeans, Prefilled, Queued, ShareCall, ShareEvent
from latentflow.model.footprint import weight_bytes
from latentflow.rpc.metric_names import MEMORY_USED
from latentflow.rpc.worker import Worker
from services.sharer.engine import Engine
from services.sharer.metrics import SharerMetrics, observe_memory
from services.sharer.resident import Resident
from tests.readings import Readings
from tests.tiny_pair import ADAPTER, TinyPair


def test_memory_is_told_by_use(pair: TinyPair) -> None:
    readings, adapter = Readings(), pair.sharer_adapter()
    resident = Resident(backbone=pair.sharer, adapters={ADAPTER: adapter})
    observe_memory(readings.telemetry.meter, resident, prefill=lambda: 5)
    weights = readings.value(MEMORY_USED, latentflow_memory_use="weights")
    assert weights == weight_bytes(pair.sharer.model)
    adapters = readings.value(MEMORY_USED, latentflow_memory_use="adapters")
    assert adapters == weight_bytes(adapter.encoder)
    assert readings.value(MEMORY_USED, latentflow_memory_use="prefill") == 5
    readings.telemetry.shutdown()


async def test_the_cache_of_a_prefill_is_counted_while_it_goes_on(pair: TinyPair) -> None:
    resident = Resident(backbone=pair.sharer, adapters={ADAPTER: pair.sharer_adapter()})
    worker = Worker("test", max_admitted=1)
    engine = Engine(resident, worker, NoOpTracer(), SharerMetrics(NoOpMeter("test")))
    counted = dict[type[ShareEvent], int]()

    def note(event: ShareEvent) -> None:
        counted[type(event)] = engine.cache_bytes

    made = await engine.make(ShareCall(context="The code is 4471.", means=LatentMeans()), note)
    await worker.close()
    assert counted == {Queued: 0, Prefilled: made.cache_bytes}
    assert engine.cache_bytes == 0
