"""Clients whose requests don't come to their end, or that send more than is read: what waits of
them is bounded, and others are answered meanwhile.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager

import grpc
import pytest

from latentflow.rpc.channel import open_channel
from latentflow.rpc.server import UNREAD_BYTES
from tests.integration.fuzzing.asking import LARGEST, ask
from tests.integration.fuzzing.processes import SERVICES, Service, running_service
from tests.integration.rpc.cable import Cable, cable_to
from tests.integration.rpc.probe import silent
from tests.integration.services.callers import TIMEOUT
from tests.tiny_pair import TinyPair

WRITERS = 25
# A call and its connection, and what the allocator keeps.
CALL_BYTES = 512 * 1024
TOO_LARGE = 3_900_000
PART = 0.95
UNREAD_MESSAGE = bytes(100 * 1024)
UNREAD_MESSAGES = 40
QUESTIONS = 200

SLOW = {
    "broker": "/latentflow.v1.BrokerService/Publish",
    "sharer": "/latentflow.v1.SharerService/Share",
    "receiver": "/latentflow.v1.ReceiverService/Generate",
}
QUICK = {
    "broker": "/latentflow.v1.BrokerService/GetLatent",
    "sharer": "/latentflow.v1.SharerService/DescribeSharer",
    "receiver": "/latentflow.v1.ReceiverService/DescribeReceiver",
}


@pytest.fixture(scope="module", params=SERVICES)
def service(request: pytest.FixtureRequest, pair: TinyPair) -> Iterator[Service]:
    with running_service(request.param, pair) as running:
        yield running


async def test_requests_that_stall_hold_no_more_than_the_largest_request(service: Service) -> None:
    largest = LARGEST[service.name]
    before = service.resident_bytes()
    async with slow_writers(service, message_bytes=largest) as writers:
        async with asyncio.timeout(TIMEOUT):
            await asyncio.gather(*(cable.stalled.wait() for cable, _ in writers))
        await require_answers(service)
        assert service.resident_bytes() - before < WRITERS * (largest + CALL_BYTES)
        assert not any(call.done() for _, call in writers)


async def test_requests_that_are_too_large_are_refused_before_they_have_come(
    service: Service,
) -> None:
    before = service.resident_bytes()
    async with slow_writers(service, message_bytes=TOO_LARGE) as writers:
        codes = await asyncio.gather(*(call.code() for _, call in writers))
        assert set(codes) == {grpc.StatusCode.RESOURCE_EXHAUSTED}
        await require_answers(service)
        assert service.resident_bytes() - before < WRITERS * (UNREAD_BYTES + CALL_BYTES)


async def test_messages_that_are_not_read_wait_at_their_writer(service: Service) -> None:
    before = service.resident_bytes()
    async with grpc.aio.insecure_channel(service.address) as channel:
        watches = [silent(channel, "/grpc.health.v1.Health/Watch") for _ in range(WRITERS)]
        writing = [asyncio.create_task(write_on(call)) for call in watches]
        await asyncio.gather(*(call.read() for call in watches))
        await require_answers(service)
        assert service.resident_bytes() - before < WRITERS * (UNREAD_BYTES + CALL_BYTES)
        assert not any(task.done() for task in writing)
        for call in watches:
            call.cancel()
        await asyncio.gather(*writing, return_exceptions=True)


@asynccontextmanager
async def slow_writers(
    service: Service, *, message_bytes: int
) -> AsyncIterator[list[tuple[Cable, "grpc.aio.StreamStreamCall[bytes, bytes]"]]]:
    """Calls on a connection each, of whose only message the last part never comes."""
    port = int(service.address.rpartition(":")[2])
    writers, writing = [], []
    async with AsyncExitStack() as connections:
        for _ in range(WRITERS):
            cable = await connections.enter_async_context(cable_to(port, int(message_bytes * PART)))
            channel = await connections.enter_async_context(
                grpc.aio.insecure_channel(
                    f"127.0.0.1:{cable.port}", options=[("grpc.use_local_subchannel_pool", 1)]
                )
            )
            call = silent(channel, SLOW[service.name])
            writing.append(asyncio.create_task(call.write(bytes(message_bytes))))
            writers.append((cable, call))
        yield writers
        for _, call in writers:
            call.cancel()
        await asyncio.gather(*writing, return_exceptions=True)


async def write_on(call: "grpc.aio.StreamStreamCall[bytes, bytes]") -> None:
    """The request, and messages that nobody asked for."""
    await call.write(b"")
    for _ in range(UNREAD_MESSAGES):
        await call.write(UNREAD_MESSAGE)


async def require_answers(service: Service) -> None:
    """Another's calls, so many that what is still on its way meanwhile has arrived."""
    async with open_channel(service.address) as channel:
        for _ in range(QUESTIONS):
            answer = await ask(channel, QUICK[service.name], b"")
            assert answer.code in (grpc.StatusCode.OK, grpc.StatusCode.INVALID_ARGUMENT), answer
