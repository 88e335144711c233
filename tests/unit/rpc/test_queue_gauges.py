from latentflow.rpc.metric_names import QUEUE_DEPTH, QUEUE_LIMIT
from latentflow.rpc.queue_gauges import observe_queue
from latentflow.rpc.worker import Worker
from tests.readings import Readings


async def test_a_queue_is_as_deep_as_calls_are_admitted() -> None:
    readings, worker = Readings(), Worker("test", max_admitted=5)
    observe_queue(readings.telemetry.meter, worker)
    with worker.admit(), worker.admit():
        assert readings.value(QUEUE_DEPTH) == 2
    assert readings.value(QUEUE_DEPTH) == 0
    assert readings.value(QUEUE_LIMIT) == 5
    await worker.close()
    readings.telemetry.shutdown()
