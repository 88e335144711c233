from asyncio import CancelledError
from collections.abc import Iterator
from contextlib import suppress
from typing import NamedTuple

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode, Tracer, get_current_span

from latentflow.rpc.propagation import (
    current_traceparent,
    incoming_context,
    outgoing_metadata,
)
from latentflow.rpc.stages import stage, stages


class Traced(NamedTuple):
    tracer: Tracer
    exporter: InMemorySpanExporter


@pytest.fixture
def traced() -> Iterator[Traced]:
    exporter = InMemorySpanExporter()
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    yield Traced(provider.get_tracer("test"), exporter)
    provider.shutdown()


def test_a_stage_is_a_child_of_the_span_around_it(traced: Traced) -> None:
    with traced.tracer.start_as_current_span("call"), stage(traced.tracer, "inject", {"n": 1}):
        pass
    inject, call = traced.exporter.get_finished_spans()
    assert inject.parent is not None
    assert call.context is not None
    assert inject.parent.span_id == call.context.span_id
    assert dict(inject.attributes or {}) == {"n": 1}


def test_a_failed_stage_is_an_error_without_the_exceptions_text(traced: Traced) -> None:
    with pytest.raises(ValueError, match="secret"), stage(traced.tracer, "inject"):
        raise ValueError("secret")
    (span,) = traced.exporter.get_finished_spans()
    assert span.status.status_code is StatusCode.ERROR
    assert "secret" not in span.to_json()


def test_stages_follow_each_other_under_the_call(traced: Traced) -> None:
    with traced.tracer.start_as_current_span("call"), stages(traced.tracer) as following:
        following.begin("inject")
        following.note({"slots": 7})
        following.begin("decode", {"n": 1})
    inject, decode, call = traced.exporter.get_finished_spans()
    assert [dict(span.attributes or {}) for span in (inject, decode)] == [{"slots": 7}, {"n": 1}]
    assert inject.end_time is not None
    assert decode.start_time is not None
    assert inject.end_time <= decode.start_time
    assert call.context is not None
    for span in (inject, decode):
        assert span.parent is not None
        assert span.parent.span_id == call.context.span_id
        assert span.status.status_code is StatusCode.UNSET


@pytest.mark.parametrize(
    ("ending", "status"),
    [(ValueError("secret"), StatusCode.ERROR), (CancelledError(), StatusCode.UNSET)],
    ids=["failed", "cancelled"],
)
def test_what_is_left_early_ends_with_the_stage_that_was_under_way(
    traced: Traced, ending: BaseException, status: StatusCode
) -> None:
    with suppress(ValueError, CancelledError), stages(traced.tracer) as following:
        following.begin("inject")
        following.begin("decode")
        raise ending
    inject, decode = traced.exporter.get_finished_spans()
    assert inject.status.status_code is StatusCode.UNSET
    assert decode.status.status_code is status
    assert "secret" not in decode.to_json()


def test_the_trace_context_survives_metadata(traced: Traced) -> None:
    with traced.tracer.start_as_current_span("call") as span:
        metadata = dict(outgoing_metadata())
        assert current_traceparent() == metadata["traceparent"]
    remote = get_current_span(incoming_context(metadata)).get_span_context()
    assert (remote.trace_id, remote.span_id) == (
        span.get_span_context().trace_id,
        span.get_span_context().span_id,
    )
    assert remote.is_remote


def test_without_a_span_nothing_is_carried() -> None:
    assert outgoing_metadata() == ()
    assert current_traceparent() == ""


def test_a_trace_context_that_cant_be_read_is_none() -> None:
    context = incoming_context({"traceparent": "rubbish"})
    assert not get_current_span(context).get_span_context().is_valid
