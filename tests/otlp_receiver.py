"""An OTLP collector in the test's own process: keeps every span and metric exported to it."""

from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import NamedTuple

import grpc
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
    ExportMetricsServiceResponse,
)
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2_grpc import (
    MetricsServiceServicer,
    add_MetricsServiceServicer_to_server,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2_grpc import (
    TraceServiceServicer,
    add_TraceServiceServicer_to_server,
)
from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from opentelemetry.proto.metrics.v1.metrics_pb2 import (
    HistogramDataPoint,
    Metric,
    NumberDataPoint,
    ResourceMetrics,
)
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, Span

_THREADS = 4


class _Process(NamedTuple):
    """Which one something is of. `instance` is another for each process of a service."""

    service: str
    instance: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SpanPlace:
    """Which span, anywhere."""

    trace_id: bytes
    span_id: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportedSpan:
    """A span as it arrived. `parent_id` is empty for a root, `status` is OTLP's status code."""

    service: str
    instance: str
    name: str
    place: SpanPlace
    parent_id: bytes
    links: tuple[SpanPlace, ...]
    attributes: Mapping[str, str]
    status: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportedPoint:
    """A value of a metric as it arrived; of a histogram the sum, and how many were recorded.

    `traces` are the ids of the exemplars' traces.
    """

    service: str
    instance: str
    name: str
    attributes: Mapping[str, str]
    value: float
    count: int = 1
    traces: frozenset[bytes] = frozenset()


class _Traces(TraceServiceServicer):
    def __init__(self) -> None:
        self.requests: list[ExportTraceServiceRequest] = []

    def Export(
        self, request: ExportTraceServiceRequest, context: grpc.ServicerContext
    ) -> ExportTraceServiceResponse:
        self.requests.append(request)
        return ExportTraceServiceResponse()


class _Metrics(MetricsServiceServicer):
    def __init__(self) -> None:
        self.requests: list[ExportMetricsServiceRequest] = []

    def Export(
        self, request: ExportMetricsServiceRequest, context: grpc.ServicerContext
    ) -> ExportMetricsServiceResponse:
        self.requests.append(request)
        return ExportMetricsServiceResponse()


class OtlpReceiver:
    """Complete once every exporter was shut down, as each flushes then."""

    def __init__(self) -> None:
        self._traces = _Traces()
        self._metrics = _Metrics()

    def add_to_server(self, server: grpc.Server) -> None:
        add_TraceServiceServicer_to_server(self._traces, server)  # type: ignore[no-untyped-call]
        add_MetricsServiceServicer_to_server(self._metrics, server)  # type: ignore[no-untyped-call]

    def exported_bytes(self) -> bytes:
        """All that ever crossed the wire."""
        requests = [*self._traces.requests, *self._metrics.requests]
        return b"".join(request.SerializeToString() for request in requests)

    def spans(self) -> list[ExportedSpan]:
        return [
            span
            for request in self._traces.requests
            for resource_spans in request.resource_spans
            for span in _spans_of(resource_spans)
        ]

    def points(self) -> list[ExportedPoint]:
        """Of everything that was exported, the last of each."""
        points = [
            point
            for request in self._metrics.requests
            for resource_metrics in request.resource_metrics
            for point in _points_of(resource_metrics)
        ]
        return list({_series(each): each for each in points}.values())


@contextmanager
def otlp_receiver() -> Iterator[tuple[OtlpReceiver, str]]:
    """A running receiver and the value of OTEL_EXPORTER_OTLP_ENDPOINT that leads to it."""
    receiver = OtlpReceiver()
    with ThreadPoolExecutor(_THREADS) as threads:
        server = grpc.server(threads)
        receiver.add_to_server(server)
        port = server.add_insecure_port("127.0.0.1:0")
        server.start()
        try:
            yield receiver, f"http://127.0.0.1:{port}"
        finally:
            server.stop(grace=None).wait()


def _spans_of(exported: ResourceSpans) -> Iterator[ExportedSpan]:
    process = _process(exported.resource)
    for scope in exported.scope_spans:
        for span in scope.spans:
            yield _span(process, span)


def _process(resource: Resource) -> _Process:
    texts = _texts(resource.attributes)
    return _Process(service=texts["service.name"], instance=texts["service.instance.id"])


def _span(process: _Process, span: Span) -> ExportedSpan:
    return ExportedSpan(
        service=process.service,
        instance=process.instance,
        name=span.name,
        place=_place(span),
        parent_id=span.parent_span_id,
        links=tuple(_place(link) for link in span.links),
        attributes=_texts(span.attributes),
        status=span.status.code,
    )


def _points_of(exported: ResourceMetrics) -> Iterator[ExportedPoint]:
    process = _process(exported.resource)
    for scope in exported.scope_metrics:
        for metric in scope.metrics:
            for point in _data_points(metric):
                yield _point(process, metric.name, point)


def _data_points(metric: Metric) -> Iterable[HistogramDataPoint | NumberDataPoint]:
    data = getattr(metric, str(metric.WhichOneof("data")))
    points: Iterable[HistogramDataPoint | NumberDataPoint] = data.data_points
    return points


def _point(
    process: _Process, name: str, point: HistogramDataPoint | NumberDataPoint
) -> ExportedPoint:
    if isinstance(point, HistogramDataPoint):
        value, count = point.sum, point.count
    else:
        value, count = point.as_double or point.as_int, 1
    return ExportedPoint(
        service=process.service,
        instance=process.instance,
        name=name,
        attributes=_texts(point.attributes),
        value=value,
        count=count,
        traces=frozenset(exemplar.trace_id for exemplar in point.exemplars),
    )


def _series(of: ExportedPoint) -> tuple[object, ...]:
    return of.service, of.instance, of.name, frozenset(of.attributes.items())


def _place(of: Span | Span.Link) -> SpanPlace:
    return SpanPlace(trace_id=of.trace_id, span_id=of.span_id)


def _texts(attributes: Iterable[KeyValue]) -> dict[str, str]:
    return {pair.key: pair.value.string_value for pair in attributes}
