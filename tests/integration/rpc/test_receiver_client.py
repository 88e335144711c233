"""The receiver's client: domain values in and out, typed errors."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from latentflow.calls import (
    FinishReason,
    GenerateCall,
    GenerateEvent,
    GenerateTimings,
    LatentInput,
    LatentInputs,
    LatentOutcome,
    OpenSessionCall,
    OptionScore,
    Prompt,
    ScoreCall,
    Scored,
    Session,
    SessionId,
    TokenText,
    Usage,
)
from latentflow.errors import (
    LatentRevoked,
    ServiceUnavailable,
    UnknownSession,
)
from latentflow.latent import Outcome
from latentflow.rpc.channel import open_channel
from latentflow.rpc.receiver_client import ReceiverClient
from latentflow.rpc.server import Registration
from latentflow.v1.receiver_pb2 import CloseSessionResponse
from latentflow.v1.receiver_pb2_grpc import (
    ReceiverServiceServicer,
    add_ReceiverServiceServicer_to_server,
)
from latentflow.wire import sessions
from latentflow.wire.descriptions import receiver_description_to_proto
from latentflow.wire.generate import generate_call_from_proto, generate_event_to_proto
from tests.integration.rpc.model_values import DESCRIPTION, LATENT, TIMEOUT
from tests.integration.rpc.probe import served

INPUTS = LatentInputs(latents=(LatentInput(latent_id=LATENT.latent_id),))
GENERATE = GenerateCall(prompt=Prompt(question="Who?"), source=INPUTS)
OUTCOME = LatentOutcome(latent_id=LATENT.latent_id, outcome=Outcome.LATENT, wire_bytes=7)
GENERATE_EVENTS: list[GenerateEvent] = [
    OUTCOME,
    TokenText(text="It was"),
    Usage(
        prompt_tokens=4,
        latent_slots=8,
        completion_tokens=2,
        finish=FinishReason.STOP,
        timings=GenerateTimings(fetch_seconds=0.25),
    ),
]


class FakeReceiver(ReceiverServiceServicer):
    """Answers with the values above; knows one session."""

    async def Generate(self, request: Any, context: Any) -> AsyncIterator[Any]:
        assert generate_call_from_proto(request) == GENERATE
        for event in GENERATE_EVENTS:
            yield generate_event_to_proto(event)

    async def Score(self, request: Any, context: Any) -> Any:
        call = sessions.score_call_from_proto(request)
        scores = tuple(OptionScore(log_probability=-1.5, tokens=len(o)) for o in call.options)
        return sessions.scored_to_proto(Scored(outcomes=(OUTCOME,), scores=scores))

    async def OpenSession(self, request: Any, context: Any) -> Any:
        call = sessions.open_session_call_from_proto(request)
        if not call.inputs.latents:
            raise LatentRevoked(latent_id="none")
        session = Session(session_id=SessionId("s1"), outcomes=(OUTCOME,), latent_slots=8)
        return sessions.session_to_proto(session)

    async def CloseSession(self, request: Any, context: Any) -> Any:
        session_id = sessions.close_session_call_from_proto(request)
        if session_id != "s1":
            raise UnknownSession(session_id=session_id)
        return CloseSessionResponse()

    async def DescribeReceiver(self, request: Any, context: Any) -> Any:
        return receiver_description_to_proto(DESCRIPTION)


def receiver_there() -> Registration:
    return Registration(
        service="latentflow.v1.ReceiverService",
        add=lambda server: add_ReceiverServiceServicer_to_server(FakeReceiver(), server),
    )


async def test_generate_tells_outcomes_tokens_and_usage() -> None:
    async with served(receiver_there()) as there:
        events = ReceiverClient(there.channel).generate(GENERATE, timeout=TIMEOUT)
        assert [event async for event in events] == GENERATE_EVENTS


async def test_score_keeps_the_order_of_the_options() -> None:
    call = ScoreCall(prompt=Prompt(question="Who?"), options=("a", "bcd"), source=INPUTS)
    async with served(receiver_there()) as there:
        scored = await ReceiverClient(there.channel).score(call, timeout=TIMEOUT)
    assert [score.tokens for score in scored.scores] == [1, 3]
    assert scored.outcomes == (OUTCOME,)


async def test_a_session_opens_and_closes() -> None:
    async with served(receiver_there()) as there:
        client = ReceiverClient(there.channel)
        session = await client.open_session(OpenSessionCall(inputs=INPUTS), timeout=TIMEOUT)
        await client.close_session(session.session_id, timeout=TIMEOUT)
        with pytest.raises(UnknownSession, match="s2"):
            await client.close_session(SessionId("s2"), timeout=TIMEOUT)


async def test_a_receiver_describes_itself() -> None:
    async with served(receiver_there()) as there:
        described = await ReceiverClient(there.channel).describe(timeout=TIMEOUT)
    assert described == DESCRIPTION


async def test_a_receiver_that_is_down_is_named() -> None:
    # Port 1 (tcpmux) is closed.
    async with open_channel("127.0.0.1:1") as channel:
        with pytest.raises(ServiceUnavailable) as raised:
            await ReceiverClient(channel).describe(timeout=TIMEOUT)
    assert raised.value.service == "receiver"
