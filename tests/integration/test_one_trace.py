"""A handoff is one trace, from its caller through three processes to the last token.

Real processes, real OTLP over gRPC: what arrives at a collector is what is looked at.
"""

import asyncio
import os
from collections.abc import Iterator
from dataclasses import dataclass
from io import StringIO
from pathlib import Path

import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Status

from latentflow.calls import Sampling
from latentflow.cli.progress import Progress
from latentflow.cli.stack import StackAddresses, StackPlan, running_stack
from latentflow.client import Addresses, Answer, connect
from latentflow.rpc import metric_names
from latentflow.rpc.metric_names import CALL_DURATION
from latentflow.rpc.otel import setup_telemetry
from latentflow.rpc.stages import stage
from tests.otlp_receiver import ExportedPoint, ExportedSpan, OtlpReceiver, otlp_receiver
from tests.tiny_pair import write_tiny_pair

_TIMEOUT = 60.0
_MEMO = "Quartermaster Xylander keeps the vermilion lantern beneath staircase seventeen."
_QUESTION = "Whereabouts hangs Xylander's lantern?"
_CALLER = "caller"
_CALLS = "Share FindLatent Publish Generate Subscribe RecordUse".split()
_PROBES = "grpc.health.v1.Health/"

# Every span by its way from the root: the service that made it, its name.
_TREE = {
    "caller:handoff",
    "caller:handoff > sharer:latentflow.v1.SharerService/Share",
    "caller:handoff > sharer:latentflow.v1.SharerService/Share"
    " > broker:latentflow.v1.BrokerService/FindLatent",
    "caller:handoff > sharer:latentflow.v1.SharerService/Share > sharer:prefill",
    "caller:handoff > sharer:latentflow.v1.SharerService/Share > sharer:summarise",
    "caller:handoff > sharer:latentflow.v1.SharerService/Share > sharer:publish",
    "caller:handoff > sharer:latentflow.v1.SharerService/Share > sharer:publish"
    " > broker:latentflow.v1.BrokerService/Publish",
    "caller:handoff > receiver:latentflow.v1.ReceiverService/Generate",
    "caller:handoff > receiver:latentflow.v1.ReceiverService/Generate > receiver:fetch",
    "caller:handoff > receiver:latentflow.v1.ReceiverService/Generate > receiver:fetch"
    " > broker:latentflow.v1.BrokerService/Subscribe",
    "caller:handoff > receiver:latentflow.v1.ReceiverService/Generate > receiver:fetch"
    " > broker:latentflow.v1.BrokerService/RecordUse",
    "caller:handoff > receiver:latentflow.v1.ReceiverService/Generate > receiver:inject",
    "caller:handoff > receiver:latentflow.v1.ReceiverService/Generate > receiver:prefill",
    "caller:handoff > receiver:latentflow.v1.ReceiverService/Generate > receiver:decode",
}


_MODEL_METRICS = {
    CALL_DURATION.name,
    "latentflow.queue.depth",
    "latentflow.queue.limit",
    "latentflow.memory.used",
    "latentflow.prefill.tokens",
    "latentflow.latent.size",
}
_METRICS = {
    "sharer": _MODEL_METRICS | {"latentflow.latent.cache.ratio", "latentflow.latent.text.ratio"},
    "receiver": _MODEL_METRICS
    | {
        "gen_ai.server.time_to_first_token",
        "gen_ai.server.time_per_output_token",
        "latentflow.batch.size",
        "latentflow.outcomes",
        "latentflow.memory.limit",
        "latentflow.fidelity.demoted",
    },
    "broker": {
        CALL_DURATION.name,
        "latentflow.broker.io",
        "latentflow.broker.latents",
        "latentflow.broker.uploads",
        "latentflow.broker.dead_letters",
        "latentflow.broker.breaker.open",
        "latentflow.broker.store.used",
        "latentflow.broker.store.limit",
    },
}

_DISTRIBUTIONS = {
    each.name for each in vars(metric_names).values() if isinstance(each, metric_names.Distribution)
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Handoff:
    """What was exported while it went on, without the spans of health checks."""

    answer: Answer
    spans: tuple[ExportedSpan, ...]
    points: tuple[ExportedPoint, ...]
    exported: bytes

    def named(self, ending: str) -> ExportedSpan:
        (span,) = (span for span in self.spans if span.name.endswith(ending))
        return span


@pytest.fixture(scope="module")
def handoff(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Handoff]:
    """Share and Generate under one span of the caller, through a stack with telemetry on."""
    with otlp_receiver() as (receiver, endpoint):
        environment = {**os.environ, "OTEL_EXPORTER_OTLP_ENDPOINT": endpoint}
        plan = _plan(tmp_path_factory.mktemp("tiny"), environment)
        with running_stack(plan, Progress(StringIO())) as stack:
            answer = asyncio.run(_hand_off(stack.addresses, environment))
        # The services have ended, and flushed before.
        yield _seen(receiver, answer)


def _plan(folder: Path, environment: dict[str, str]) -> StackPlan:
    pair = write_tiny_pair(folder)
    return StackPlan(
        sharer_model=pair.sharer_folder,
        receiver_model=pair.receiver_folder,
        adapters=pair.adapters,
        environment=environment,
    )


async def _hand_off(addresses: StackAddresses, environment: dict[str, str]) -> Answer:
    known = Addresses(sharer=addresses.sharer, receiver=addresses.receiver)
    telemetry = setup_telemetry(_CALLER, environment)
    async with connect(known) as flow:
        with stage(telemetry.tracer, "handoff"):
            shared = await flow.share(_MEMO, timeout=_TIMEOUT)
            answer = await flow.ask(
                _QUESTION,
                [shared.latent.manifest.latent_id],
                sampling=Sampling(max_tokens=16),
                timeout=_TIMEOUT,
            )
    telemetry.shutdown()
    return answer


def _seen(receiver: OtlpReceiver, answer: Answer) -> Handoff:
    spans = [span for span in receiver.spans() if not span.name.startswith(_PROBES)]
    return Handoff(
        answer=answer,
        spans=tuple(spans),
        points=tuple(receiver.points()),
        exported=receiver.exported_bytes(),
    )


def test_every_span_stands_where_its_work_was_asked_for(handoff: Handoff) -> None:
    by_id = {span.place.span_id: span for span in handoff.spans}

    def way(span: ExportedSpan) -> str:
        step = f"{span.service.removeprefix('latentflow-')}:{span.name}"
        return f"{way(by_id[span.parent_id])} > {step}" if span.parent_id else step

    assert sorted(way(span) for span in handoff.spans) == sorted(_TREE)


def test_a_handoff_is_one_trace(handoff: Handoff) -> None:
    assert len({span.place.trace_id for span in handoff.spans}) == 1


def test_the_answer_is_linked_to_the_latents_creation(handoff: Handoff) -> None:
    assert handoff.named("/Generate").links == (handoff.named("publish").place,)
    others = [span for span in handoff.spans if not span.name.endswith("/Generate")]
    assert [span.name for span in others if span.links] == []


def test_every_call_ended_well(handoff: Handoff) -> None:
    codes = {
        span.name.rpartition("/")[2]: span.attributes["rpc.response.status_code"]
        for span in handoff.spans
        if "rpc.method" in span.attributes
    }
    assert codes == dict.fromkeys(_CALLS, "OK")
    assert {span.status for span in handoff.spans} == {Status.STATUS_CODE_UNSET}


@pytest.mark.parametrize("service", _METRICS)
def test_every_service_exports_its_metrics(handoff: Handoff, service: str) -> None:
    exported = {point.name for point in handoff.points if point.service == f"latentflow-{service}"}
    assert exported == _METRICS[service]


def test_every_call_of_the_handoff_is_timed_with_its_trace_as_exemplar(handoff: Handoff) -> None:
    timed = {
        point.attributes["rpc.method"].rpartition("/")[2]: point
        for point in handoff.points
        if point.name == CALL_DURATION.name
    }
    (trace_id,) = {span.place.trace_id for span in handoff.spans}
    assert sorted(timed) == sorted(_CALLS)
    for point in timed.values():
        assert (point.count, point.traces) == (1, frozenset({trace_id}))


def test_every_distribution_has_the_trace_as_exemplar(handoff: Handoff) -> None:
    (trace_id,) = {span.place.trace_id for span in handoff.spans}
    traces = {point.name: point.traces for point in handoff.points if point.name in _DISTRIBUTIONS}
    assert "latentflow.batch.size" in traces
    assert traces == dict.fromkeys(traces, frozenset({trace_id}))


def test_metrics_name_no_latent(handoff: Handoff) -> None:
    latent_id = handoff.answer.outcomes[0].latent_id
    known = {value for point in handoff.points for value in point.attributes.values()}
    assert not any(latent_id in value for value in known)


def test_spans_name_the_latent_and_the_model_but_hold_no_content(handoff: Handoff) -> None:
    latent_id = handoff.answer.outcomes[0].latent_id
    assert latent_id.encode() in handoff.exported
    for word in f"{_MEMO} {_QUESTION}".split():
        if len(word) > 4:
            assert word.encode() not in handoff.exported
    # Of a random model, and long enough not to be there by chance.
    assert len(handoff.answer.text) > 4
    assert handoff.answer.text.encode() not in handoff.exported
