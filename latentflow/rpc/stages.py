"""Child spans for the stages of a handoff (prefill, publish, decode, ...).

Stages run on executors that know nothing of tracing: a service opens and ends the spans here, on
the call's task and under its own span.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from opentelemetry import trace

Attributes = Mapping[str, str | int | float | bool | Sequence[str]]


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


class Stages:
    """Stages that follow each other: each ends where the next begins."""

    def __init__(self, tracer: trace.Tracer) -> None:
        self._tracer = tracer
        self._span: trace.Span = trace.INVALID_SPAN

    def begin(self, name: str, attributes: Attributes | None = None) -> None:
        self.end()
        self._span = self._tracer.start_span(name, attributes=attributes)

    def note(self, attributes: Attributes) -> None:
        """Of the stage that is under way."""
        self._span.set_attributes(attributes)

    def fail(self) -> None:
        self._span.set_status(trace.StatusCode.ERROR)

    def end(self) -> None:
        self._span.end()
        self._span = trace.INVALID_SPAN


@contextmanager
def stages(tracer: trace.Tracer) -> Iterator[Stages]:
    """For work that runs elsewhere and tells how far it is.

    Leaving the block ends the stage under way. Exceptions end it as failed, without their text.
    """
    following = Stages(tracer)
    try:
        yield following
    except Exception:
        following.fail()
        raise
    finally:
        following.end()
