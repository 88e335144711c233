"""What a gauge that is asked a yes or no hands to its exporter."""

from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader

from latentflow.rpc.instruments import plain_gauge
from latentflow.rpc.metric_names import BREAKER_OPEN


def test_yes_is_a_number_as_otlp_has_no_booleans() -> None:
    reader = InMemoryMetricReader()
    provider = MeterProvider([reader], shutdown_on_exit=False)
    plain_gauge(provider.get_meter("test"), BREAKER_OPEN, lambda: True)
    data = reader.get_metrics_data()
    assert data is not None
    (point,) = data.resource_metrics[0].scope_metrics[0].metrics[0].data.data_points
    value = getattr(point, "value")  # noqa: B009 (a histogram's point has none)
    assert (type(value), value) == (float, 1.0)
    provider.shutdown()
