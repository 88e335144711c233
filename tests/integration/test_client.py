"""The application's client over gRPC, against services that say exactly what a test hands in."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import grpc
import pytest

from latentflow.calls import (
    FinishReason,
    GenerateCall,
    GenerateEvent,
    GenerateTimings,
    LatentInput,
    LatentInputs,
    LatentMeans,
    LatentOutcome,
    Prefilled,
    Prompt,
    ShareCall,
    Shared,
    ShareEvent,
    ShareTimings,
    TextMeans,
    TokenText,
    Usage,
)
from latentflow.client import Addresses, LatentFlow, connect
from latentflow.errors import EmptyInput, MessageMalformed, ServiceUnavailable
from latentflow.latent import Outcome
from latentflow.rpc.server import Registration
from latentflow.v1.receiver_pb2 import GenerateRequest, GenerateResponse
from latentflow.v1.sharer_pb2 import ShareRequest, ShareResponse
from latentflow.wire.generate import generate_call_from_proto, generate_event_to_proto
from latentflow.wire.share import share_call_from_proto, share_event_to_proto
from tests.integration.rpc.model_values import INFO, LATENT, TIMEOUT
from tests.integration.rpc.probe import served

SHARER = "latentflow.v1.SharerService"
RECEIVER = "latentflow.v1.ReceiverService"
SHARED = Shared(latent=INFO, timings=ShareTimings(prefill_seconds=0.5))
OUTCOMES = tuple(
    LatentOutcome(latent_id=LATENT.latent_id, outcome=Outcome.LATENT, wire_bytes=size)
    for size in (7, 5)
)
USAGE = Usage(
    prompt_tokens=4,
    latent_slots=8,
    completion_tokens=2,
    finish=FinishReason.STOP,
    timings=GenerateTimings(),
)


class Services:
    """Both services' one method that the client calls; remembers what it was asked."""

    def __init__(self, shared: Sequence[ShareEvent], generated: Sequence[GenerateEvent]) -> None:
        self._shared, self._generated = shared, generated
        self.calls: list[ShareCall | GenerateCall] = []

    async def share(self, request: ShareRequest, context: Any) -> AsyncIterator[ShareResponse]:
        self.calls.append(share_call_from_proto(request))
        for event in self._shared:
            yield share_event_to_proto(event)

    async def generate(
        self, request: GenerateRequest, context: Any
    ) -> AsyncIterator[GenerateResponse]:
        self.calls.append(generate_call_from_proto(request))
        for event in self._generated:
            yield generate_event_to_proto(event)

    def add(self, server: grpc.aio.Server) -> None:
        share = grpc.unary_stream_rpc_method_handler(
            self.share, ShareRequest.FromString, ShareResponse.SerializeToString
        )
        generate = grpc.unary_stream_rpc_method_handler(
            self.generate, GenerateRequest.FromString, GenerateResponse.SerializeToString
        )
        handlers = (
            grpc.method_handlers_generic_handler(SHARER, {"Share": share}),
            grpc.method_handlers_generic_handler(RECEIVER, {"Generate": generate}),
        )
        server.add_generic_rpc_handlers(handlers)


@asynccontextmanager
async def connected(services: Services) -> AsyncIterator[LatentFlow]:
    async with served(Registration(service=SHARER, add=services.add)) as there:
        address = f"127.0.0.1:{there.server.port}"
        async with connect(Addresses(sharer=address, receiver=address)) as flow:
            yield flow


async def test_sharing_ends_with_the_committed_latent() -> None:
    services = Services([Prefilled(tokens=1, of_tokens=2), SHARED], [])
    async with connected(services) as flow:
        assert await flow.share("a memo", timeout=TIMEOUT) == SHARED
    assert services.calls == [ShareCall(context="a memo", means=LatentMeans())]


async def test_a_text_message_may_be_shared_instead() -> None:
    services = Services([SHARED], [])
    async with connected(services) as flow:
        await flow.share("a memo", means=TextMeans(max_tokens=9), need="Who?", timeout=TIMEOUT)
    expected = ShareCall(context="a memo", means=TextMeans(max_tokens=9), need="Who?")
    assert services.calls == [expected]


async def test_asking_gathers_text_outcomes_and_usage() -> None:
    services = Services([], [*OUTCOMES, TokenText(text=" Bo"), TokenText(text="ris"), USAGE])
    async with connected(services) as flow:
        answer = await flow.ask("Who?", [LATENT.latent_id], timeout=TIMEOUT)
    assert (answer.text, answer.outcomes, answer.usage) == (" Boris", OUTCOMES, USAGE)
    assert answer.wire_bytes == 12
    assert 0 < answer.first_token_seconds <= answer.seconds
    inputs = LatentInputs(latents=(LatentInput(latent_id=LATENT.latent_id),))
    assert services.calls == [GenerateCall(prompt=Prompt(question="Who?"), source=inputs)]


async def test_an_answer_without_text_has_its_first_token_at_its_end() -> None:
    async with connected(Services([], [USAGE])) as flow:
        answer = await flow.ask("Who?", timeout=TIMEOUT)
    assert answer.text == ""
    assert answer.first_token_seconds == answer.seconds


@pytest.mark.parametrize(
    ("field", "call"),
    [
        ("share", lambda flow: flow.share("a memo", timeout=TIMEOUT)),
        ("generate", lambda flow: flow.ask("Who?", timeout=TIMEOUT)),
    ],
)
async def test_a_stream_without_its_last_event_is_malformed(
    field: str, call: Callable[[LatentFlow], Any]
) -> None:
    async with connected(Services([], [TokenText(text=" Bo")])) as flow:
        with pytest.raises(MessageMalformed, match=field):
            await call(flow)


async def test_a_service_that_is_down_is_named() -> None:
    # Port 1 (tcpmux) is closed.
    async with connect(Addresses(sharer="127.0.0.1:1", receiver="127.0.0.1:1")) as flow:
        with pytest.raises(ServiceUnavailable, match="sharer"):
            await flow.share("a memo", timeout=TIMEOUT)
        with pytest.raises(ServiceUnavailable, match="receiver"):
            await flow.ask("Who?", timeout=TIMEOUT)


@pytest.mark.parametrize("field", ["sharer", "receiver"])
def test_an_address_is_never_empty(field: str) -> None:
    with pytest.raises(EmptyInput, match=field):
        Addresses(**{field: ""})
