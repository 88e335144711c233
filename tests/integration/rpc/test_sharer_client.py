"""The sharer's client: domain values in and out, typed errors, deadlines, one trace."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any

import pytest

from latentflow.calls import (
    LatentMeans,
    Prefilled,
    Published,
    Queued,
    ShareCall,
    Shared,
    ShareEvent,
    ShareTimings,
)
from latentflow.errors import (
    ContextTooLong,
    DeadlineExpired,
    ServiceUnavailable,
)
from latentflow.rpc.channel import open_channel
from latentflow.rpc.server import Registration
from latentflow.rpc.sharer_client import SharerClient
from latentflow.v1.sharer_pb2_grpc import SharerServiceServicer, add_SharerServiceServicer_to_server
from latentflow.wire.descriptions import sharer_description_to_proto
from latentflow.wire.share import share_call_from_proto, share_event_to_proto
from tests.integration.rpc.model_values import DESCRIPTION, INFO, TIMEOUT
from tests.integration.rpc.probe import served
from tests.integration.rpc.spans import Spans

SHARE = ShareCall(context="a memo", means=LatentMeans())
SHARE_EVENTS: list[ShareEvent] = [
    Queued(ahead=1),
    Prefilled(tokens=3, of_tokens=9),
    Published(acknowledged_frames=1),
    Shared(latent=INFO, timings=ShareTimings(prefill_seconds=0.5)),
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


def sharer_there(sharer: FakeSharer) -> Registration:
    return Registration(
        service="latentflow.v1.SharerService",
        add=lambda server: add_SharerServiceServicer_to_server(sharer, server),
    )


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


async def test_a_sharer_that_is_down_is_named() -> None:
    # Port 1 (tcpmux) is closed.
    async with open_channel("127.0.0.1:1") as channel:
        with pytest.raises(ServiceUnavailable) as raised:
            await SharerClient(channel).describe(timeout=TIMEOUT)
    assert raised.value.service == "sharer"


async def test_the_callers_trace_goes_on_in_the_service() -> None:
    with Spans() as spans:
        async with served(sharer_there(FakeSharer()), telemetry=spans.telemetry) as there:
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
