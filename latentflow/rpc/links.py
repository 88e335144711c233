"""Links a span to the trace in which a latent was created; the two need not be one trace."""

from opentelemetry.trace import Span, get_current_span

from latentflow.rpc.propagation import incoming_context


def link_creation(span: Span, traceparent: str) -> None:
    """Nothing happens for a `traceparent` that is empty or can't be read."""
    creation = get_current_span(incoming_context({"traceparent": traceparent})).get_span_context()
    if creation.is_valid:
        span.add_link(creation)
