"""Child spans for the stages of a handoff (prefill, publish, decode, ...).

Stages run on executors that know nothing of tracing: a service measures them and records the spans
here, under the call's own span.
"""

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from opentelemetry import trace

Attributes = Mapping[str, str | int | float | bool | Sequence[str]]

_NANOS_A_SECOND = 1_000_000_000


@contextmanager
def stage(
    tracer: trace.Tracer, name: str, attributes: Attributes | None = None
) -> Iterator[trace.Span]:
    """A span around work on this task. Exceptions end it as failed, without their text."""
    with tracer.start_as_current_span(
        name, attributes=attributes, record_exception=False, set_status_on_exception=False
    ) as span:
        try:
            yield span
        except Exception:
            span.set_status(trace.StatusCode.ERROR)
            raise


def record_stage(
    tracer: trace.Tracer, name: str, seconds: float, attributes: Attributes | None = None
) -> None:
    """A span for work that ended just now and took `seconds`, wherever it ran."""
    end_ns = time.time_ns()
    start_ns = end_ns - round(seconds * _NANOS_A_SECOND)
    tracer.start_span(name, start_time=start_ns, attributes=attributes).end(end_ns)
