"""How full a worker's queue is, as gauges."""

from opentelemetry.metrics import Meter

from latentflow.rpc import metric_names
from latentflow.rpc.instruments import plain_gauge
from latentflow.rpc.worker import Worker


def observe_queue(meter: Meter, worker: Worker) -> None:
    plain_gauge(meter, metric_names.QUEUE_DEPTH, lambda: worker.admitted)
    plain_gauge(meter, metric_names.QUEUE_LIMIT, lambda: worker.limit)
