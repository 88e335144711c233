"""An OTLP collector in the test's own process: keeps every span that is exported to it."""

from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass

import grpc
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2_grpc import (
    TraceServiceServicer,
    add_TraceServiceServicer_to_server,
)
from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, Span

_THREADS = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class SpanPlace:
    """Which span, anywhere."""

    trace_id: bytes
    span_id: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportedSpan:
    """A span as it arrived. `parent_id` is empty for a root, `status` is OTLP's status code."""

    service: str
    name: str
    place: SpanPlace
    parent_id: bytes
    links: tuple[SpanPlace, ...]
    attributes: Mapping[str, str]
    status: int


class OtlpReceiver(TraceServiceServicer):
    """Complete once every exporter was shut down, as each flushes then."""

    def __init__(self) -> None:
        self._requests: list[ExportTraceServiceRequest] = []

    def Export(
        self, request: ExportTraceServiceRequest, context: grpc.ServicerContext
    ) -> ExportTraceServiceResponse:
        self._requests.append(request)
        return ExportTraceServiceResponse()

    def exported_bytes(self) -> bytes:
        """All that ever crossed the wire."""
        return b"".join(request.SerializeToString() for request in self._requests)

    def spans(self) -> list[ExportedSpan]:
        return [
            span
            for request in self._requests
            for resource_spans in request.resource_spans
            for span in _spans_of(resource_spans)
        ]


@contextmanager
def otlp_receiver() -> Iterator[tuple[OtlpReceiver, str]]:
    """A running receiver and the value of OTEL_EXPORTER_OTLP_ENDPOINT that leads to it."""
    receiver = OtlpReceiver()
    with ThreadPoolExecutor(_THREADS) as threads:
        server = grpc.server(threads)
        add_TraceServiceServicer_to_server(receiver, server)  # type: ignore[no-untyped-call]
        port = server.add_insecure_port("127.0.0.1:0")
        server.start()
        try:
            yield receiver, f"http://127.0.0.1:{port}"
        finally:
            server.stop(grace=None).wait()


def _spans_of(exported: ResourceSpans) -> Iterator[ExportedSpan]:
    service = _texts(exported.resource.attributes)["service.name"]
    for scope in exported.scope_spans:
        for span in scope.spans:
            yield _span(service, span)


def _span(service: str, span: Span) -> ExportedSpan:
    return ExportedSpan(
        service=service,
        name=span.name,
        place=_place(span),
        parent_id=span.parent_span_id,
        links=tuple(_place(link) for link in span.links),
        attributes=_texts(span.attributes),
        status=span.status.code,
    )


def _place(of: Span | Span.Link) -> SpanPlace:
    return SpanPlace(trace_id=of.trace_id, span_id=of.span_id)


def _texts(attributes: Iterable[KeyValue]) -> dict[str, str]:
    return {pair.key: pair.value.string_value for pair in attributes}
