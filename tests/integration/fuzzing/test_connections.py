"""Each service as a process under connections that do nothing, say nonsense, or never read."""

import resource
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from random import Random

import grpc
import pytest

from latentflow.rpc.channel import open_channel
from latentflow.rpc.probe import is_serving
from latentflow.v1 import broker_pb2, broker_pb2_grpc
from tests.integration.fuzzing.processes import SERVICES, Service, running_service
from tests.tiny_pair import TinyPair

SOFT, HARD = resource.getrlimit(resource.RLIMIT_NOFILE)
# Of descriptors, for all else that a process opens. Only root may raise the hard limit.
SPARE = 200
IDLE = min(1000, HARD - SPARE)
FEW = min(512, HARD)
BYTES_A_CONNECTION = 64 * 1024
GROWTH_BYTES = 64 * 1024 * 1024
# HTTP/2's preface and empty settings: from here on the connection is one.
HELLO = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes([0, 0, 0, 4, 0, 0, 0, 0, 0])


@pytest.fixture(scope="module", params=SERVICES)
def service(request: pytest.FixtureRequest, pair: TinyPair) -> Iterator[Service]:
    """Begun with fewer descriptors than there will be connections, where so many are allowed."""
    yield from begun_with_few_descriptors(request.param, pair)


@pytest.fixture
def broker(pair: TinyPair) -> Iterator[Service]:
    yield from begun_with_few_descriptors("broker", pair)


def begun_with_few_descriptors(name: str, pair: TinyPair) -> Iterator[Service]:
    resource.setrlimit(resource.RLIMIT_NOFILE, (FEW, HARD))
    try:
        with running_service(name, pair) as running:
            resource.setrlimit(resource.RLIMIT_NOFILE, (HARD, HARD))
            yield running
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (SOFT, HARD))


@pytest.mark.parametrize("hello", [HELLO, b""], ids=["greeting", "silent"])
@pytest.mark.parametrize("connections", [IDLE])
def test_idle_connections_keep_nobody_out(service: Service, connections: int, hello: bytes) -> None:
    before = service.resident_bytes()
    with ExitStack() as opened:
        for _ in range(connections):
            opened.enter_context(connected(service.address)).sendall(hello)
        assert is_serving(service.address)
        assert service.resident_bytes() - before < connections * BYTES_A_CONNECTION
    assert is_serving(service.address)


def test_nonsense_on_a_connection_is_survived(service: Service) -> None:
    address, random = service.address, Random(5)
    before = service.resident_bytes()
    with ExitStack() as connections:
        for _ in range(100):
            for said in (b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", random.randbytes(999), HELLO[:9]):
                connections.enter_context(connected(address)).sendall(said)
            garbled = connections.enter_context(connected(address))
            garbled.sendall(HELLO + random.randbytes(999))
        assert is_serving(address)
    assert is_serving(address)
    assert service.resident_bytes() - before < GROWTH_BYTES


async def test_silent_publishers_and_readers_leave_room_for_others(broker: Service) -> None:
    before = broker.resident_bytes()
    async with open_channel(broker.address) as channel:
        stub = broker_pb2_grpc.BrokerServiceStub(channel)
        request = broker_pb2.WatchRequest(flow="quiet")
        silent = [stub.Publish(timeout=2.0) for _ in range(200)]
        unread = [stub.Watch(request) for _ in range(200)]
        assert is_serving(broker.address)
        codes = [await call.code() for call in silent]
        assert set(codes) == {grpc.StatusCode.DEADLINE_EXCEEDED}
        for call in unread:
            call.cancel()
    assert is_serving(broker.address)
    assert broker.resident_bytes() - before < GROWTH_BYTES


def connected(address: str) -> socket.socket:
    host, port = address.split(":")
    return socket.create_connection((host, int(port)), timeout=5)
