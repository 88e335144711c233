"""Carries the W3C trace context over gRPC metadata; knows nothing of spans."""

from collections.abc import Mapping

from opentelemetry.context import Context
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

_PROPAGATOR = TraceContextTextMapPropagator()
_EMPTY = Context()


def outgoing_metadata() -> tuple[tuple[str, str], ...]:
    """Metadata that makes the peer's span a child of the current one; empty when there is none."""
    carrier: dict[str, str] = {}
    _PROPAGATOR.inject(carrier)
    return tuple(carrier.items())


def incoming_context(metadata: Mapping[str, str]) -> Context:
    """The caller's trace context; empty when it sent none or one that can't be read."""
    return _PROPAGATOR.extract(metadata, _EMPTY)


def current_traceparent() -> str:
    """The W3C traceparent of the current span, as a manifest holds it; empty when not traced."""
    return dict(outgoing_metadata()).get("traceparent", "")
