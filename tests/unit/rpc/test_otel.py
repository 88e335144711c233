"""What is exported where, by the variables: to a collector in this process."""

import socket
import time
from threading import Barrier
from urllib.error import URLError
from urllib.request import urlopen

import pytest

import latentflow.rpc.otel as otel
from latentflow.errors import InvalidInput
from latentflow.rpc.instruments import counter, histogram
from latentflow.rpc.metric_names import OUTCOMES, PREFILL_TOKENS
from latentflow.rpc.otel import setup_telemetry
from latentflow.rpc.prometheus import PrometheusPage, page_at
from latentflow.rpc.telemetry import Telemetry
from tests.otlp_receiver import otlp_receiver

# Port 9 (discard) is closed: nothing is exported, as nothing is recorded.
ENDPOINT = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9"}


def is_traced(telemetry: Telemetry) -> bool:
    return telemetry.tracer.start_span("anything").is_recording()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@pytest.mark.parametrize(
    "environment",
    [
        {},
        {"OTEL_EXPORTER_OTLP_ENDPOINT": ""},
        {**ENDPOINT, "OTEL_SDK_DISABLED": "true"},
        {**ENDPOINT, "OTEL_TRACES_EXPORTER": "none", "OTEL_METRICS_EXPORTER": "none"},
    ],
)
def test_telemetry_is_off_unless_an_endpoint_asks_for_it(environment: dict[str, str]) -> None:
    telemetry = setup_telemetry("broker", environment)
    assert not is_traced(telemetry)
    assert not telemetry.is_metered
    telemetry.shutdown()


@pytest.mark.parametrize(
    ("variable", "signals"),
    [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", (True, True)),
        ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", (True, False)),
        ("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", (False, True)),
    ],
)
def test_an_endpoint_turns_its_signals_on(variable: str, signals: tuple[bool, bool]) -> None:
    with otlp_receiver() as (_, endpoint):
        telemetry = setup_telemetry("broker", {variable: endpoint})
        assert (is_traced(telemetry), telemetry.is_metered) == signals
        telemetry.shutdown()


@pytest.mark.parametrize(("renamed", "name"), [({}, "broker"), ({"OTEL_SERVICE_NAME": "eu"}, "eu")])
def test_the_environment_may_rename_the_service(renamed: dict[str, str], name: str) -> None:
    with otlp_receiver() as (receiver, endpoint):
        environment = {"OTEL_EXPORTER_OTLP_ENDPOINT": endpoint, **renamed}
        telemetry = setup_telemetry("broker", environment)
        telemetry.tracer.start_span("anything").end()
        counter(telemetry.meter, OUTCOMES).add(1)
        telemetry.shutdown()
    assert [span.service for span in receiver.spans()] == [name]
    assert {point.service for point in receiver.points()} == {name}


def test_a_protocol_that_is_not_spoken_is_refused() -> None:
    with pytest.raises(InvalidInput, match="OTEL_EXPORTER_OTLP_PROTOCOL"):
        setup_telemetry("broker", {**ENDPOINT, "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf"})


def test_what_is_recorded_in_a_span_has_it_as_its_exemplar() -> None:
    with otlp_receiver() as (receiver, endpoint):
        telemetry = setup_telemetry("broker", {"OTEL_EXPORTER_OTLP_ENDPOINT": endpoint})
        tokens = histogram(telemetry.meter, PREFILL_TOKENS)
        with telemetry.tracer.start_as_current_span("call"):
            tokens.record(7)
        telemetry.shutdown()
    (span,) = receiver.spans()
    (point,) = receiver.points()
    assert (point.value, point.count) == (7, 1)
    assert point.traces == {span.place.trace_id}


def test_a_collector_that_never_answers_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(otel, "SHUTDOWN_SECONDS", 0.5)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        environment = {"OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{port}"}
        telemetry = setup_telemetry("broker", environment)
        counter(telemetry.meter, OUTCOMES).add(1)
        telemetry.tracer.start_span("anything").end()
        began_at = time.monotonic()
        telemetry.shutdown()
    # By themselves the exporters wait for 10 s each time.
    assert time.monotonic() - began_at < 5


def test_a_collector_that_is_gone_is_waited_for_once() -> None:
    both = Barrier(2, timeout=30)
    Telemetry(closers=(both.wait, both.wait)).shutdown()


def test_prometheus_reads_the_page_until_it_is_closed() -> None:
    page = PrometheusPage(host="127.0.0.1", port=free_port())
    address = f"http://{page.host}:{page.port}/metrics"
    telemetry = setup_telemetry("broker", {}, page)
    counter(telemetry.meter, OUTCOMES).add(3, {"latentflow.outcome": "failed"})
    with urlopen(address) as response:
        text = response.read().decode()
    telemetry.shutdown()
    assert 'latentflow_outcomes_total{latentflow_outcome="failed"} 3.0' in text
    with pytest.raises(URLError):
        urlopen(address)


def test_a_page_whose_port_is_taken_is_refused() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        page = page_at("127.0.0.1", taken.getsockname()[1])
        with pytest.raises(InvalidInput, match="metrics_port"):
            setup_telemetry("broker", {}, page)


def test_port_0_is_no_page() -> None:
    assert page_at("127.0.0.1", 0) is None
