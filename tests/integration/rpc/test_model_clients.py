"""The sharer's and the receiver's clients: domain values in and out, typed errors, deadlines."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from typing import Any

import pytest

from latentflow.calls import (
    AdapterInfo,
    FinishReason,
    GenerateCall,
    GenerateTimings,
    LatentInput,
    LatentInputs,
    LatentMeans,
    LatentOutcome,
    OpenSessionCall,
    OptionScore,
    Prefilled,
    Prompt,
    Published,
    Queued,
    ScoreCall,
    Scored,
    ServiceDescription,
    Session,
    SessionId,
    ShareCall,
    Shared,
    ShareEvent,
    ShareTimings,
    TokenText,
    Usage,
)
from latentflow.errors import (
    ContextTooLong,
    DeadlineExpired,
    LatentRevoked,
    ServiceUnavailable,
    UnknownSession,
)
from latentflow.latent import Digest, LatentInfo, LatentState, Method, Outcome
from latentflow.rpc.channel import open_channel
from latentflow.rpc.receiver_client import ReceiverClient
from latentflow.rpc.server import Registration
from latentflow.rpc.sharer_client import SharerClient
from latentflow.v1.receiver_pb2 import CloseSessionResponse
from latentflow.v1.receiver_pb2_grpc import (
    ReceiverServiceServicer,
    add_ReceiverServiceServicer_to_server,
)
from latentflow.v1.sharer_pb2_grpc import SharerServiceServicer, add_SharerServiceServicer_to_server
from latentflow.wire import sessions
from latentflow.wire.descriptions import receiver_description_to_proto, sharer_description_to_proto
from latentflow.wire.generate import generate_call_from_proto, generate_event_to_proto
from latentflow.wire.manifests import manifest_from_bytes
from latentflow.wire.share import share_call_from_proto, share_event_to_proto
from tests.integration.rpc.latents import sealed
from tests.integration.rpc.probe import served
from tests.integration.rpc.spans import Spans
from tests.unit.wire.examples import RECEIVER, SHARER

TIMEOUT = 30.0
LATENT = sealed(kilobytes=1)
INFO = LatentInfo(
    manifest=manifest_from_bytes(LATENT.manifest_bytes),
    state=LatentState.COMMITTED,
    frames=LATENT.commit.frames,
    payload_bytes=LATENT.commit.payload_bytes,
    commit=LATENT.commit,
)
DESCRIPTION = ServiceDescription(
    model=SHARER,
    max_tokens=8192,
    adapters=(
        AdapterInfo(
            name="memo",
            digest=Digest("c1" * 32),
            method=Method.LCF_PREFIX,
            sharer=SHARER,
            receiver=RECEIVER,
        ),
    ),
)
SHARE = ShareCall(context="a memo", means=LatentMeans())
SHARE_EVENTS: list[ShareEvent] = [
    Queued(ahead=1),
    Prefilled(tokens=3, of_tokens=9),
    Published(acknowledged_frames=1),
    Shared(latent=INFO, timings=ShareTimings(prefill_seconds=0.5)),
]
INPUTS = LatentInputs(latents=(LatentInput(latent_id=LATENT.latent_id),))
GENERATE = GenerateCall(prompt=Prompt(question="Who?"), source=INPUTS)
OUTCOME = LatentOutcome(latent_id=LATENT.latent_id, outcome=Outcome.LATENT, wire_bytes=7)
GENERATE_EVENTS = [
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


class FakeSharer(SharerServiceServicer):
    """Answers with the events above, or stops for ever after the first."""

    def __init__(self) -> None:
        self.calls: list[ShareCall] = []
        self.hangs = False
        self.left = asyncio.Event()

    async def Share(self, request: Any, context: Any) -> AsyncIterator[Any]:
        self.calls.append(share_call_from_proto(request))
        if request.context == "long":
            raise ContextTooLong(field="context", tokens=9000, limit=8192)
        try:
            for event in SHARE_EVENTS:
                yield share_event_to_proto(event)
                if self.hangs:
                    await asyncio.Future[None]()
        finally:
            self.left.set()

    async def DescribeSharer(self, request: Any, context: Any) -> Any:
        return sharer_description_to_proto(DESCRIPTION)


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


def sharer_there(sharer: FakeSharer) -> Registration:
    return Registration(
        service="latentflow.v1.SharerService",
        add=lambda server: add_SharerServiceServicer_to_server(sharer, server),
    )


def receiver_there() -> Registration:
    return Registration(
        service="latentflow.v1.ReceiverService",
        add=lambda server: add_ReceiverServiceServicer_to_server(FakeReceiver(), server),
    )


# --- sharer ---------------------------------------------------------------------------------


async def test_share_tells_every_step_up_to_the_latent() -> None:
    sharer = FakeSharer()
    async with served(sharer_there(sharer)) as there:
        events = SharerClient(there.channel).share(SHARE, timeout=TIMEOUT)
        assert [event async for event in events] == SHARE_EVENTS
    assert sharer.calls == [SHARE]


async def test_a_sharers_refusal_is_raised_as_it_was() -> None:
    long = ShareCall(context="long", means=LatentMeans())
    async with served(sharer_there(FakeSharer())) as there:
        events = SharerClient(there.channel).share(long, timeout=TIMEOUT)
        with pytest.raises(ContextTooLong) as raised:
            await anext(events)
    assert raised.value.tokens == 9000


async def test_leaving_a_share_early_ends_it_at_the_sharer() -> None:
    sharer = FakeSharer()
    sharer.hangs = True
    async with served(sharer_there(sharer)) as there:
        async with aclosing(SharerClient(there.channel).share(SHARE, timeout=TIMEOUT)) as events:
            assert await anext(events) == SHARE_EVENTS[0]
        await asyncio.wait_for(sharer.left.wait(), TIMEOUT)


async def test_a_share_that_takes_too_long_expires() -> None:
    sharer = FakeSharer()
    sharer.hangs = True
    async with served(sharer_there(sharer)) as there:
        events = SharerClient(there.channel).share(SHARE, timeout=0.2)
        with pytest.raises(DeadlineExpired):
            [event async for event in events]


async def test_a_sharer_describes_itself() -> None:
    async with served(sharer_there(FakeSharer())) as there:
        described = await SharerClient(there.channel).describe(timeout=TIMEOUT)
    assert described == DESCRIPTION


# --- receiver -------------------------------------------------------------------------------


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


# --- both -----------------------------------------------------------------------------------

Describe = Callable[[Any], Awaitable[ServiceDescription]]


@pytest.mark.parametrize(
    ("describe", "service"),
    [
        (lambda channel: SharerClient(channel).describe(timeout=TIMEOUT), "sharer"),
        (lambda channel: ReceiverClient(channel).describe(timeout=TIMEOUT), "receiver"),
    ],
    ids=["sharer", "receiver"],
)
async def test_a_service_that_is_down_is_named(describe: Describe, service: str) -> None:
    # Port 1 (tcpmux) is closed.
    async with open_channel("127.0.0.1:1") as channel:
        with pytest.raises(ServiceUnavailable) as raised:
            await describe(channel)
    assert raised.value.service == service


async def test_the_callers_trace_goes_on_in_the_service() -> None:
    with Spans() as spans:
        async with served(sharer_there(FakeSharer()), tracer=spans.tracer) as there:
            client = SharerClient(there.channel)
            with spans.tracer.start_as_current_span("caller"):
                await client.describe(timeout=TIMEOUT)
                [event async for event in client.share(SHARE, timeout=TIMEOUT)]
        caller = spans.named("caller")
        for method in ("DescribeSharer", "Share"):
            span = spans.named(f"latentflow.v1.SharerService/{method}")
            assert span.parent is not None
            assert caller.context is not None
            assert span.parent.span_id == caller.context.span_id
