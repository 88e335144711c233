"""What a receiver is asked, and what it answers, is whole or refused by the field's name."""

from collections.abc import Callable

import pytest
from google.protobuf.message import Message

from latentflow.calls import (
    GenerateCall,
    LatentInputs,
    OpenSessionCall,
    Prompt,
    Sampling,
    ScoreCall,
)
from latentflow.errors import EmptyInput, InvalidInput, LatentFlowError
from latentflow.v1 import receiver_pb2
from latentflow.wire import generate, prompts, sessions

ID = "01K3ABCDEFGHJKMNPQRSTVWXYZ"
ASKED = receiver_pb2.Prompt(question="Which?")


@pytest.mark.parametrize(
    ("call", "message", "from_proto"),
    [
        (
            GenerateCall(
                prompt=Prompt(question="Which?", context=""),
                source=LatentInputs(latents=()),
                sampling=Sampling(max_tokens=64, temperature=0.0, top_p=1.0, seed=0, stop=()),
            ),
            receiver_pb2.GenerateRequest(prompt=ASKED),
            generate.generate_call_from_proto,
        ),
        (
            ScoreCall(
                prompt=Prompt(question="Which?"), options=("a",), source=LatentInputs(latents=())
            ),
            receiver_pb2.ScoreRequest(prompt=ASKED, options=["a"]),
            sessions.score_call_from_proto,
        ),
        (
            OpenSessionCall(inputs=LatentInputs(latents=()), context="", idle_seconds=300),
            receiver_pb2.OpenSessionRequest(),
            sessions.open_session_call_from_proto,
        ),
    ],
)
def test_what_is_left_out_means_the_default(
    call: object, message: Message, from_proto: Callable[[Message], object]
) -> None:
    assert from_proto(message) == call


@pytest.mark.parametrize(
    ("error", "field", "message", "from_proto"),
    [
        (
            EmptyInput,
            "prompt.question",
            receiver_pb2.GenerateRequest(),
            generate.generate_call_from_proto,
        ),
        (
            EmptyInput,
            "session_id",
            receiver_pb2.GenerateRequest(prompt=ASKED, session_id=""),
            generate.generate_call_from_proto,
        ),
        (
            InvalidInput,
            "latent_id",
            receiver_pb2.LatentInputs(latents=[receiver_pb2.LatentInput()]),
            prompts.inputs_from_proto,
        ),
        (
            InvalidInput,
            "fallback_latent_id",
            receiver_pb2.LatentInputs(
                latents=[receiver_pb2.LatentInput(latent_id=ID, fallback_latent_id="x")]
            ),
            prompts.inputs_from_proto,
        ),
        (
            InvalidInput,
            "inputs.latents",
            receiver_pb2.LatentInputs(latents=[receiver_pb2.LatentInput(latent_id=ID)] * 9),
            prompts.inputs_from_proto,
        ),
        (
            InvalidInput,
            "sampling.temperature",
            receiver_pb2.GenerateRequest(
                prompt=ASKED, sampling=receiver_pb2.Sampling(temperature=float("nan"))
            ),
            generate.generate_call_from_proto,
        ),
        (
            InvalidInput,
            "sampling.top_p",
            receiver_pb2.GenerateRequest(prompt=ASKED, sampling=receiver_pb2.Sampling(top_p=1.5)),
            generate.generate_call_from_proto,
        ),
        (EmptyInput, "step", receiver_pb2.GenerateResponse(), generate.generate_event_from_proto),
        (
            InvalidInput,
            "usage.finish",
            receiver_pb2.GenerateResponse(usage=receiver_pb2.Usage()),
            generate.generate_event_from_proto,
        ),
        (
            InvalidInput,
            "outcome",
            receiver_pb2.GenerateResponse(
                outcome=receiver_pb2.LatentOutcome(latent_id=ID, outcome=7)  # type: ignore[arg-type]
            ),
            generate.generate_event_from_proto,
        ),
        (
            InvalidInput,
            "options",
            receiver_pb2.ScoreRequest(prompt=ASKED),
            sessions.score_call_from_proto,
        ),
        (
            InvalidInput,
            "idle_seconds",
            receiver_pb2.OpenSessionRequest(idle_seconds=3601),
            sessions.open_session_call_from_proto,
        ),
        (EmptyInput, "session_id", receiver_pb2.OpenSessionResponse(), sessions.session_from_proto),
        (
            EmptyInput,
            "session_id",
            receiver_pb2.CloseSessionRequest(),
            sessions.close_session_call_from_proto,
        ),
    ],
)
def test_what_is_missing_or_out_of_range_is_refused_by_its_name(
    error: type[LatentFlowError],
    field: str,
    message: Message,
    from_proto: Callable[[Message], object],
) -> None:
    with pytest.raises(error) as refusal:
        from_proto(message)
    assert type(refusal.value) is error
    assert refusal.value.details()["field"] == field
