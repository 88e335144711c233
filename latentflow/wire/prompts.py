"""Converts what the receiver's calls have in common: prompts, inputs, outcomes."""

from latentflow.calls import LatentInput, LatentInputs, LatentOutcome, Prompt, SessionId
from latentflow.errors import EmptyInput
from latentflow.latent import parse_latent_id
from latentflow.v1 import receiver_pb2
from latentflow.wire.enums import OUTCOME
from latentflow.wire.text import utf8_only

Source = LatentInputs | SessionId


@utf8_only("prompt")
def prompt_to_proto(prompt: Prompt) -> receiver_pb2.Prompt:
    return receiver_pb2.Prompt(context=prompt.context, question=prompt.question)


def prompt_from_proto(message: receiver_pb2.Prompt) -> Prompt:
    """Raises EmptyInput without a question; an absent prompt has none."""
    return Prompt(question=message.question, context=message.context)


def inputs_to_proto(inputs: LatentInputs) -> receiver_pb2.LatentInputs:
    latents = [
        receiver_pb2.LatentInput(latent_id=each.latent_id, fallback_latent_id=each.fallback or "")
        for each in inputs.latents
    ]
    return receiver_pb2.LatentInputs(latents=latents)


def inputs_from_proto(message: receiver_pb2.LatentInputs) -> LatentInputs:
    """Raises InvalidInput naming the field."""
    return LatentInputs(latents=tuple(_input_from_proto(each) for each in message.latents))


def _input_from_proto(message: receiver_pb2.LatentInput) -> LatentInput:
    fallback = message.fallback_latent_id
    return LatentInput(
        latent_id=parse_latent_id(message.latent_id),
        fallback=parse_latent_id(fallback, "fallback_latent_id") if fallback else None,
    )


def set_source(
    message: receiver_pb2.GenerateRequest | receiver_pb2.ScoreRequest, source: Source
) -> None:
    """Fills the request's source."""
    if isinstance(source, LatentInputs):
        message.inputs.CopyFrom(inputs_to_proto(source))
    else:
        message.session_id = source


def source_from_proto(
    message: receiver_pb2.GenerateRequest | receiver_pb2.ScoreRequest,
) -> Source:
    """Without a source the receiver answers alone. Raises EmptyInput, InvalidInput."""
    if message.WhichOneof("source") == "session_id":
        return parse_session_id(message.session_id)
    return inputs_from_proto(message.inputs)


def parse_session_id(text: str) -> SessionId:
    """Raises EmptyInput when `text` is empty."""
    if not text:
        raise EmptyInput(field="session_id")
    return SessionId(text)


def outcome_to_proto(outcome: LatentOutcome) -> receiver_pb2.LatentOutcome:
    return receiver_pb2.LatentOutcome(
        latent_id=outcome.latent_id,
        outcome=OUTCOME.to_proto(outcome.outcome),
        reason=outcome.reason,
        wire_bytes=outcome.wire_bytes,
        adapter=outcome.adapter,
    )


def outcome_from_proto(message: receiver_pb2.LatentOutcome) -> LatentOutcome:
    """Raises InvalidInput naming the field."""
    return LatentOutcome(
        latent_id=parse_latent_id(message.latent_id),
        outcome=OUTCOME.from_proto(message.outcome, "outcome"),
        reason=message.reason,
        wire_bytes=message.wire_bytes,
        adapter=message.adapter,
    )
