"""Makes the instruments of `metric_names`; knows nothing of what they measure."""

from collections.abc import Callable, Iterable, Mapping

from opentelemetry.metrics import (
    CallbackOptions,
    Counter,
    Histogram,
    Meter,
    Observation,
    UpDownCounter,
)

from latentflow.rpc import metric_names

Attributes = Mapping[str, str]
Points = Iterable[tuple[float, Attributes]]
"""Values, each with what it is of."""


def counter(meter: Meter, metric: metric_names.Count) -> Counter:
    return meter.create_counter(metric.name, metric.unit, metric.about)


def up_down_counter(meter: Meter, metric: metric_names.Level) -> UpDownCounter:
    return meter.create_up_down_counter(metric.name, metric.unit, metric.about)


def histogram(meter: Meter, metric: metric_names.Distribution) -> Histogram:
    return meter.create_histogram(
        metric.name,
        metric.unit,
        metric.about,
        explicit_bucket_boundaries_advisory=metric.bounds,
    )


def gauge(meter: Meter, metric: metric_names.Gauge, read: Callable[[], Points]) -> None:
    """`read` is called on an exporter's thread: it may look, but not wait or compute."""

    def observe(_options: CallbackOptions) -> Iterable[Observation]:
        # OTLP has no booleans, and one would end the export of all metrics.
        return [Observation(float(value), attributes) for value, attributes in read()]

    meter.create_observable_gauge(metric.name, [observe], metric.unit, metric.about)


def plain_gauge(meter: Meter, metric: metric_names.Gauge, read: Callable[[], float]) -> None:
    """A gauge of one value."""
    gauge(meter, metric, lambda: [(read(), {})])


def gauge_by(
    meter: Meter,
    metric: metric_names.Gauge,
    attribute: str,
    reads: Mapping[str, Callable[[], float]],
) -> None:
    """A gauge with one value for each value of an attribute."""
    gauge(meter, metric, lambda: [(read(), {attribute: key}) for key, read in reads.items()])
