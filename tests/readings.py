"""The metrics of services in the test's own process, for tests that read them."""

from collections.abc import Iterator
from typing import Any

from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader

from latentflow.rpc.metric_names import Metric
from latentflow.rpc.telemetry import Telemetry


class Readings:
    """A meter, and what it has measured until now."""

    def __init__(self) -> None:
        self._reader = InMemoryMetricReader()
        provider = MeterProvider([self._reader], shutdown_on_exit=False)
        self.telemetry = Telemetry(meter=provider.get_meter("test"), closers=(provider.shutdown,))

    def names(self) -> set[str]:
        return {metric.name for metric in self._metrics()}

    def value(self, metric: Metric, **attributes: str) -> float:
        """The sum over all points with those attributes, `_` written for `.`."""
        points = self._of(metric, attributes)
        return float(sum(each.value if hasattr(each, "value") else each.sum for each in points))

    def count(self, metric: Metric, **attributes: str) -> int:
        """How many values a distribution has."""
        return sum(each.count for each in self._of(metric, attributes))

    def _of(self, metric: Metric, attributes: dict[str, str]) -> Iterator[Any]:
        for found in self._metrics():
            if found.name == metric.name:
                yield from (each for each in found.data.data_points if _has(each, attributes))

    def _metrics(self) -> Iterator[Any]:
        data: Any = self._reader.get_metrics_data()
        for resource in data.resource_metrics if data else ():
            for scope in resource.scope_metrics:
                yield from scope.metrics


def _has(point: Any, attributes: dict[str, str]) -> bool:
    known = {key.replace(".", "_"): value for key, value in point.attributes.items()}
    return attributes.items() <= known.items()
