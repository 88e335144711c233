"""Links from a receiver's span to a latent's creation."""

import pytest

from latentflow.rpc.links import link_creation
from tests.integration.rpc.spans import Spans

TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


def test_the_span_is_linked_to_the_creating_span() -> None:
    with Spans() as spans:
        with spans.tracer.start_as_current_span("receiver") as span:
            link_creation(span, f"00-{TRACE}-{SPAN}-01")
        (link,) = spans.only().links
    assert (f"{link.context.trace_id:032x}", f"{link.context.span_id:016x}") == (TRACE, SPAN)


@pytest.mark.parametrize("traceparent", ["", "nonsense", f"00-{'0' * 32}-{SPAN}-01"])
def test_no_link_without_a_trace(traceparent: str) -> None:
    with Spans() as spans:
        with spans.tracer.start_as_current_span("receiver") as span:
            link_creation(span, traceparent)
        assert spans.only().links == ()
