"""Where the sharer's memory goes, as its metrics tell it."""

from latentflow.model.footprint import weight_bytes
from latentflow.rpc.metric_names import MEMORY_USED
from services.sharer.metrics import observe_memory
from services.sharer.resident import Resident
from tests.readings import Readings
from tests.tiny_pair import ADAPTER, TinyPair


def test_memory_is_told_by_use(pair: TinyPair) -> None:
    readings, adapter = Readings(), pair.sharer_adapter()
    resident = Resident(backbone=pair.sharer, adapters={ADAPTER: adapter})
    observe_memory(readings.telemetry.meter, resident)
    weights = readings.value(MEMORY_USED, latentflow_memory_use="weights")
    assert weights == weight_bytes(pair.sharer.model)
    adapters = readings.value(MEMORY_USED, latentflow_memory_use="adapters")
    assert adapters == weight_bytes(adapter.encoder)
    readings.telemetry.shutdown()
