"""Collects the spans of an in-process server, for tests that read them."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from types import TracebackType
from typing import Any

from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from latentflow.rpc.telemetry import Telemetry


class Spans(AbstractContextManager["Spans"]):
    """A tracer and what it recorded. Read it after the server is drained."""

    def __init__(self) -> None:
        self._exporter = InMemorySpanExporter()
        self._provider = TracerProvider(shutdown_on_exit=False)
        self._provider.add_span_processor(SimpleSpanProcessor(self._exporter))
        self.tracer = self._provider.get_tracer("test")
        self.telemetry = Telemetry(tracer=self.tracer)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._provider.shutdown()

    def all(self) -> Sequence[ReadableSpan]:
        return self._exporter.get_finished_spans()

    def only(self) -> ReadableSpan:
        (span,) = self._exporter.get_finished_spans()
        return span

    def named(self, name: str) -> ReadableSpan:
        (span,) = (span for span in self._exporter.get_finished_spans() if span.name == name)
        return span


def attributes(span: ReadableSpan) -> Mapping[str, Any]:
    return dict(span.attributes or {})
