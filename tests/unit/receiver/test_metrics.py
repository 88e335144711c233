"""Where the receiver's memory goes, as its metrics tell it."""

from latentflow.model.footprint import weight_bytes
from latentflow.rpc.metric_names import MEMORY_LIMIT, MEMORY_USED
from services.receiver.budget import MemoryBudget
from services.receiver.metrics import observe_memory
from services.receiver.resident import Resident
from tests.readings import Readings
from tests.tiny_pair import TinyPair


def test_memory_is_told_by_use_and_budgets_as_they_are_taken(pair: TinyPair) -> None:
    readings, adapter = Readings(), pair.receiver_adapter()
    sessions, fetched = MemoryBudget("sessions", 100), MemoryBudget("fetched", 200)
    resident = Resident(backbone=pair.receiver, adapters={pair.digest: adapter})
    budgets = {"sessions": sessions, "fetched": fetched}
    observe_memory(readings.telemetry.meter, resident, budgets, answers=lambda: 13)
    sessions.take(7)
    fetched.take(11)
    used = {
        use: readings.value(MEMORY_USED, latentflow_memory_use=use)
        for use in ("weights", "adapters", "sessions", "fetched", "answers")
    }
    assert used == {
        "weights": weight_bytes(pair.receiver.model),
        "adapters": weight_bytes(adapter.decoder),
        "sessions": 7,
        "fetched": 11,
        "answers": 13,
    }
    assert readings.value(MEMORY_LIMIT, latentflow_memory_use="sessions") == 100
    assert readings.value(MEMORY_LIMIT, latentflow_memory_use="fetched") == 200
    readings.telemetry.shutdown()
