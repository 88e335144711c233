"""Sets OpenTelemetry up from the standard OTEL_* variables; off without an endpoint.

The variables come as a mapping, and tracer and meter are handed on: nothing global is read or set
here, but for what the SDK itself reads (intervals, samplers, the filter of exemplars).
"""

from collections.abc import Mapping
from threading import Timer
from typing import NamedTuple

from opentelemetry.exporter.otlp.proto.grpc.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.metrics import Meter
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import MetricReader, PeriodicExportingMetricReader
from opentelemetry.sdk.resources import SERVICE_NAME, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Tracer

from latentflow.errors import InvalidInput
from latentflow.rpc.prometheus import PrometheusPage, serve_page
from latentflow.rpc.telemetry import SCOPE, SILENT, Closer, Closers, Telemetry

# For what is left of a signal to be sent, at the end of the process.
SHUTDOWN_SECONDS = 10.0

_Exporter = OTLPSpanExporter | OTLPMetricExporter


class _Target(NamedTuple):
    """Where one signal goes."""

    endpoint: str
    headers: str | None


def setup_telemetry(
    service_name: str, environment: Mapping[str, str], page: PrometheusPage | None = None
) -> Telemetry:
    """Traces and metrics go where the variables say; metrics also stand on `page`.

    Raises InvalidInput when the variables ask for a protocol other than gRPC, or when the page's
    port can't be listened on.
    """
    if environment.get("OTEL_SDK_DISABLED", "").lower() == "true":
        return SILENT
    resource = Resource.create({SERVICE_NAME: environment.get("OTEL_SERVICE_NAME") or service_name})
    tracer, end_traces = _tracer(resource, _target("TRACES", environment))
    meter, end_metrics = _meter(resource, _target("METRICS", environment), page)
    return Telemetry(tracer=tracer, meter=meter, closers=(*end_traces, *end_metrics))


def _target(signal: str, environment: Mapping[str, str]) -> _Target | None:
    """None when the signal is off. Raises InvalidInput."""

    def setting(name: str) -> str:
        specific = environment.get(f"OTEL_EXPORTER_OTLP_{signal}_{name}")
        return specific or environment.get(f"OTEL_EXPORTER_OTLP_{name}", "")

    if not setting("ENDPOINT") or environment.get(f"OTEL_{signal}_EXPORTER") == "none":
        return None
    if setting("PROTOCOL") not in ("", "grpc"):
        raise InvalidInput(field="OTEL_EXPORTER_OTLP_PROTOCOL", problem="only grpc is spoken here")
    return _Target(endpoint=setting("ENDPOINT"), headers=setting("HEADERS") or None)


def _tracer(resource: Resource, target: _Target | None) -> tuple[Tracer, Closers]:
    if target is None:
        return SILENT.tracer, ()
    provider = TracerProvider(resource=resource, shutdown_on_exit=False)
    exporter = OTLPSpanExporter(endpoint=target.endpoint, headers=target.headers)
    provider.add_span_processor(BatchSpanProcessor(exporter))
    return provider.get_tracer(SCOPE), (_ending(provider.shutdown, exporter),)


def _meter(
    resource: Resource, target: _Target | None, page: PrometheusPage | None
) -> tuple[Meter, Closers]:
    if target is None and page is None:
        return SILENT.meter, ()
    readers: list[MetricReader] = []
    closers: list[Closer] = []
    if page is not None:
        reader, close = serve_page(page)
        readers.append(reader)
        closers.append(close)
    exporter: OTLPMetricExporter | None = None
    if target is not None:
        exporter = OTLPMetricExporter(endpoint=target.endpoint, headers=target.headers)
        readers.append(PeriodicExportingMetricReader(exporter))
    provider = MeterProvider(readers, resource=resource, shutdown_on_exit=False)
    closers.append(provider.shutdown if exporter is None else _ending(provider.shutdown, exporter))
    return provider.get_meter(SCOPE), tuple(closers)


def _ending(shutdown: Closer, exporter: _Exporter) -> Closer:
    """`shutdown`, for which the exporter gives up in time: by itself the SDK tries for 30 s."""

    def end() -> None:
        giving_up = Timer(SHUTDOWN_SECONDS, exporter.shutdown)
        giving_up.start()
        try:
            shutdown()
        finally:
            giving_up.cancel()

    return end
