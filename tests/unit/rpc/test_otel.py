import pytest
from opentelemetry.sdk.trace import TracerProvider

from latentflow.errors import InvalidInput
from latentflow.rpc.otel import Telemetry, setup_telemetry

# Port 9 (discard) is closed: nothing is exported, as no span is made.
ENDPOINT = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9"}


def service_name(telemetry: Telemetry) -> object:
    assert isinstance(telemetry.provider, TracerProvider)
    return telemetry.provider.resource.attributes["service.name"]


@pytest.mark.parametrize(
    "environment",
    [
        {},
        {"OTEL_EXPORTER_OTLP_ENDPOINT": ""},
        {**ENDPOINT, "OTEL_SDK_DISABLED": "true"},
        {**ENDPOINT, "OTEL_TRACES_EXPORTER": "none"},
    ],
)
def test_tracing_is_off_unless_an_endpoint_asks_for_it(environment: dict[str, str]) -> None:
    telemetry = setup_telemetry("broker", environment)
    assert not telemetry.tracer.start_span("anything").is_recording()
    telemetry.shutdown()


@pytest.mark.parametrize(
    "variable", ["OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"]
)
def test_an_endpoint_turns_tracing_on(variable: str) -> None:
    telemetry = setup_telemetry("broker", {variable: "http://127.0.0.1:9"})
    assert service_name(telemetry) == "broker"
    telemetry.shutdown()


def test_the_environment_may_rename_the_service() -> None:
    telemetry = setup_telemetry("broker", {**ENDPOINT, "OTEL_SERVICE_NAME": "broker-eu"})
    assert service_name(telemetry) == "broker-eu"
    telemetry.shutdown()


def test_a_protocol_that_is_not_spoken_is_refused() -> None:
    with pytest.raises(InvalidInput, match="OTEL_EXPORTER_OTLP_PROTOCOL"):
        setup_telemetry("broker", {**ENDPOINT, "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf"})
