"""Converts the receiver's Score and its sessions. A zero means the default of the .proto."""

from latentflow.calls import (
    LatentInputs,
    OpenSessionCall,
    OptionScore,
    ScoreCall,
    Scored,
    Session,
    SessionId,
)
from latentflow.v1 import receiver_pb2
from latentflow.wire.prompts import (
    inputs_from_proto,
    inputs_to_proto,
    outcome_from_proto,
    outcome_to_proto,
    parse_session_id,
    prompt_from_proto,
    prompt_to_proto,
    set_source,
    source_from_proto,
)
from latentflow.wire.text import utf8_only

_DEFAULT_IDLE_SECONDS = OpenSessionCall(inputs=LatentInputs()).idle_seconds


@utf8_only("options")
def score_call_to_proto(call: ScoreCall) -> receiver_pb2.ScoreRequest:
    message = receiver_pb2.ScoreRequest(prompt=prompt_to_proto(call.prompt), options=call.options)
    set_source(message, call.source)
    return message


def score_call_from_proto(message: receiver_pb2.ScoreRequest) -> ScoreCall:
    """Without a source the receiver answers alone. Raises EmptyInput, InvalidInput."""
    return ScoreCall(
        prompt=prompt_from_proto(message.prompt),
        options=tuple(message.options),
        source=source_from_proto(message),
    )


def scored_to_proto(scored: Scored) -> receiver_pb2.ScoreResponse:
    return receiver_pb2.ScoreResponse(
        outcomes=[outcome_to_proto(outcome) for outcome in scored.outcomes],
        scores=[
            receiver_pb2.OptionScore(log_probability=score.log_probability, tokens=score.tokens)
            for score in scored.scores
        ],
    )


def scored_from_proto(message: receiver_pb2.ScoreResponse) -> Scored:
    """Raises InvalidInput naming the field."""
    return Scored(
        outcomes=tuple(outcome_from_proto(outcome) for outcome in message.outcomes),
        scores=tuple(
            OptionScore(log_probability=score.log_probability, tokens=score.tokens)
            for score in message.scores
        ),
    )


@utf8_only("context")
def open_session_call_to_proto(call: OpenSessionCall) -> receiver_pb2.OpenSessionRequest:
    return receiver_pb2.OpenSessionRequest(
        inputs=inputs_to_proto(call.inputs), context=call.context, idle_seconds=call.idle_seconds
    )


def open_session_call_from_proto(message: receiver_pb2.OpenSessionRequest) -> OpenSessionCall:
    """Raises InvalidInput naming the field."""
    return OpenSessionCall(
        inputs=inputs_from_proto(message.inputs),
        context=message.context,
        idle_seconds=message.idle_seconds or _DEFAULT_IDLE_SECONDS,
    )


def session_to_proto(session: Session) -> receiver_pb2.OpenSessionResponse:
    return receiver_pb2.OpenSessionResponse(
        session_id=session.session_id,
        outcomes=[outcome_to_proto(outcome) for outcome in session.outcomes],
        latent_slots=session.latent_slots,
    )


def session_from_proto(message: receiver_pb2.OpenSessionResponse) -> Session:
    """Raises EmptyInput naming `session_id`, InvalidInput naming the field."""
    return Session(
        session_id=parse_session_id(message.session_id),
        outcomes=tuple(outcome_from_proto(outcome) for outcome in message.outcomes),
        latent_slots=message.latent_slots,
    )


def close_session_call_to_proto(session_id: SessionId) -> receiver_pb2.CloseSessionRequest:
    return receiver_pb2.CloseSessionRequest(session_id=session_id)


def close_session_call_from_proto(message: receiver_pb2.CloseSessionRequest) -> SessionId:
    """Raises EmptyInput naming `session_id`."""
    return parse_session_id(message.session_id)
