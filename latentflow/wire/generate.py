"""Converts Generate's call and events. A zero on the wire means the default of the .proto."""

from latentflow.calls import (
    GenerateCall,
    GenerateEvent,
    GenerateTimings,
    LatentOutcome,
    Sampling,
    TokenText,
    Usage,
)
from latentflow.errors import EmptyInput
from latentflow.v1 import receiver_pb2
from latentflow.wire.enums import FINISH_REASON
from latentflow.wire.prompts import (
    outcome_from_proto,
    outcome_to_proto,
    prompt_from_proto,
    prompt_to_proto,
    set_source,
    source_from_proto,
)
from latentflow.wire.text import utf8_only

_DEFAULT = Sampling()


def generate_call_to_proto(call: GenerateCall) -> receiver_pb2.GenerateRequest:
    message = receiver_pb2.GenerateRequest(
        prompt=prompt_to_proto(call.prompt), sampling=_sampling_to_proto(call.sampling)
    )
    set_source(message, call.source)
    return message


def generate_call_from_proto(message: receiver_pb2.GenerateRequest) -> GenerateCall:
    """Without a source the receiver answers alone. Raises EmptyInput, InvalidInput."""
    return GenerateCall(
        prompt=prompt_from_proto(message.prompt),
        source=source_from_proto(message),
        sampling=_sampling_from_proto(message.sampling),
    )


@utf8_only("sampling.stop")
def _sampling_to_proto(sampling: Sampling) -> receiver_pb2.Sampling:
    return receiver_pb2.Sampling(
        max_tokens=sampling.max_tokens,
        temperature=sampling.temperature,
        top_p=sampling.top_p,
        seed=sampling.seed,
        stop=sampling.stop,
    )


def _sampling_from_proto(message: receiver_pb2.Sampling) -> Sampling:
    return Sampling(
        max_tokens=message.max_tokens or _DEFAULT.max_tokens,
        temperature=message.temperature,
        top_p=message.top_p or _DEFAULT.top_p,
        seed=message.seed,
        stop=tuple(message.stop),
    )


def generate_event_to_proto(event: GenerateEvent) -> receiver_pb2.GenerateResponse:
    match event:
        case LatentOutcome():
            return receiver_pb2.GenerateResponse(outcome=outcome_to_proto(event))
        case TokenText():
            return receiver_pb2.GenerateResponse(token=receiver_pb2.TokenText(text=event.text))
        case Usage():
            return receiver_pb2.GenerateResponse(usage=_usage_to_proto(event))


def generate_event_from_proto(message: receiver_pb2.GenerateResponse) -> GenerateEvent:
    """Raises EmptyInput naming `step`, InvalidInput naming the field."""
    match message.WhichOneof("step"):
        case "outcome":
            return outcome_from_proto(message.outcome)
        case "token":
            return TokenText(text=message.token.text)
        case "usage":
            return _usage_from_proto(message.usage)
        case None:
            raise EmptyInput(field="step")


def _usage_to_proto(usage: Usage) -> receiver_pb2.Usage:
    return receiver_pb2.Usage(
        prompt_tokens=usage.prompt_tokens,
        latent_slots=usage.latent_slots,
        completion_tokens=usage.completion_tokens,
        finish=FINISH_REASON.to_proto(usage.finish),
        timings=_timings_to_proto(usage.timings),
    )


def _usage_from_proto(message: receiver_pb2.Usage) -> Usage:
    return Usage(
        prompt_tokens=message.prompt_tokens,
        latent_slots=message.latent_slots,
        completion_tokens=message.completion_tokens,
        finish=FINISH_REASON.from_proto(message.finish, "usage.finish"),
        timings=_timings_from_proto(message.timings),
    )


def _timings_to_proto(timings: GenerateTimings) -> receiver_pb2.GenerateTimings:
    return receiver_pb2.GenerateTimings(
        queue_seconds=timings.queue_seconds,
        fetch_seconds=timings.fetch_seconds,
        inject_seconds=timings.inject_seconds,
        prefill_seconds=timings.prefill_seconds,
        decode_seconds=timings.decode_seconds,
    )


def _timings_from_proto(message: receiver_pb2.GenerateTimings) -> GenerateTimings:
    return GenerateTimings(
        queue_seconds=message.queue_seconds,
        fetch_seconds=message.fetch_seconds,
        inject_seconds=message.inject_seconds,
        prefill_seconds=message.prefill_seconds,
        decode_seconds=message.decode_seconds,
    )
