"""Sets OpenTelemetry tracing up from the standard OTEL_* variables; off without an endpoint.

The variables come as a mapping, and the tracer is handed on: nothing global is read or set here.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import SERVICE_NAME, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import NoOpTracerProvider, Tracer

from latentflow.errors import InvalidInput

_SCOPE = "latentflow"
_PROTOCOL_VARIABLES = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")
_ENDPOINT_VARIABLES = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
_HEADER_VARIABLES = ("OTEL_EXPORTER_OTLP_TRACES_HEADERS", "OTEL_EXPORTER_OTLP_HEADERS")


@dataclass(frozen=True, slots=True)
class Telemetry:
    """A tracer, and what must be flushed when the process ends."""

    tracer: Tracer
    provider: TracerProvider | None = None

    def shutdown(self) -> None:
        """Sends what is left and closes; blocks for the exporter's timeout at most."""
        if self.provider is not None:
            self.provider.shutdown()


def setup_telemetry(service_name: str, environment: Mapping[str, str]) -> Telemetry:
    """Raises InvalidInput when the variables ask for a protocol other than gRPC."""
    endpoint = _first(environment, _ENDPOINT_VARIABLES)
    if not endpoint or _is_switched_off(environment):
        return Telemetry(NoOpTracerProvider().get_tracer(_SCOPE))
    _require_grpc(environment)
    headers = _first(environment, _HEADER_VARIABLES) or None
    provider = TracerProvider(resource=_resource(service_name, environment), shutdown_on_exit=False)
    provider.add_span_processor(
        BatchSpanProcessor(OTLPSpanExporter(endpoint=endpoint, headers=headers))
    )
    return Telemetry(provider.get_tracer(_SCOPE), provider)


def _first(environment: Mapping[str, str], names: tuple[str, ...]) -> str:
    """The value of the first variable that is set, the more specific one in front; else empty."""
    return next((environment[name] for name in names if environment.get(name)), "")


def _is_switched_off(environment: Mapping[str, str]) -> bool:
    disabled = environment.get("OTEL_SDK_DISABLED", "").lower() == "true"
    return disabled or environment.get("OTEL_TRACES_EXPORTER") == "none"


def _require_grpc(environment: Mapping[str, str]) -> None:
    if _first(environment, _PROTOCOL_VARIABLES) not in ("", "grpc"):
        raise InvalidInput(field="OTEL_EXPORTER_OTLP_PROTOCOL", problem="only grpc is spoken here")


def _resource(service_name: str, environment: Mapping[str, str]) -> Resource:
    return Resource.create({SERVICE_NAME: environment.get("OTEL_SERVICE_NAME") or service_name})
