"""The page from which Prometheus reads metrics, on a thread of its own.

Its exporter leaves exemplars out; those travel over OTLP only.
"""

from collections.abc import Callable
from dataclasses import dataclass

from opentelemetry.exporter.prometheus import PrometheusMetricReader
from opentelemetry.sdk.metrics.export import MetricReader
from prometheus_client import CollectorRegistry, start_http_server

from latentflow.errors import InvalidInput


@dataclass(frozen=True, slots=True, kw_only=True)
class PrometheusPage:
    """Served at http://host:port/metrics, to whoever reaches it."""

    host: str
    port: int


def page_at(host: str, port: int) -> PrometheusPage | None:
    """As settings have it: port 0 is no page."""
    return PrometheusPage(host=host, port=port) if port else None


def serve_page(page: PrometheusPage) -> tuple[MetricReader, Callable[[], None]]:
    """The reader whose metrics stand there, and what ends it. Raises InvalidInput."""
    registry = CollectorRegistry()
    reader = PrometheusMetricReader(scope_info_enabled=False, registry=registry)
    try:
        server, thread = start_http_server(page.port, page.host, registry)
    except OSError as error:
        address = f"{page.host}:{page.port}"
        raise InvalidInput(
            field="metrics_port", problem=f"{address} can't be listened on"
        ) from error

    def close() -> None:
        server.shutdown()
        server.server_close()
        thread.join()

    return reader, close
