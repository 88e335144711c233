"""A broker process under connections that do nothing, say nonsense, or never read."""

import resource
import socket
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from random import Random

import grpc
import pytest

from latentflow.rpc.channel import open_channel
from latentflow.rpc.probe import is_serving
from latentflow.v1 import broker_pb2, broker_pb2_grpc
from tests.integration.broker.processes import (
    address_of,
    await_serving,
    broker_process,
    resident_bytes,
)

IDLE = 1000
SOFT_LIMIT = 512
BYTES_A_CONNECTION = 64 * 1024
GROWTH_BYTES = 64 * 1024 * 1024
# HTTP/2's preface and empty settings: from here on the connection is one.
HELLO = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes([0, 0, 0, 4, 0, 0, 0, 0, 0])


@pytest.fixture
def broker() -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The process and its address, begun with fewer descriptors than there will be connections."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard < 2 * IDLE:
        pytest.skip(
            f"{IDLE} connections want {2 * IDLE} descriptors a process, and only root may raise "
            f"the hard limit of {hard}"
        )
    resource.setrlimit(resource.RLIMIT_NOFILE, (SOFT_LIMIT, hard))
    with broker_process(PORT="0", STORE_URL="memory://") as process:
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, 2 * IDLE), hard))
        address = address_of(process)
        await_serving(address)
        yield process, address
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.parametrize("hello", [HELLO, b""])
def test_a_thousand_idle_connections_keep_nobody_out(
    broker: tuple[subprocess.Popen[str], str], hello: bytes
) -> None:
    process, address = broker
    before = resident_bytes(process.pid)
    with ExitStack() as connections:
        for _ in range(IDLE):
            connections.enter_context(connected(address)).sendall(hello)
        assert is_serving(address)
        assert resident_bytes(process.pid) - before < IDLE * BYTES_A_CONNECTION
    assert is_serving(address)


def test_nonsense_on_a_connection_is_survived(
    broker: tuple[subprocess.Popen[str], str],
) -> None:
    process, address = broker
    random = Random(5)
    before = resident_bytes(process.pid)
    with ExitStack() as connections:
        for _ in range(100):
            for said in (b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", random.randbytes(999), HELLO[:9]):
                connections.enter_context(connected(address)).sendall(said)
            garbled = connections.enter_context(connected(address))
            garbled.sendall(HELLO + random.randbytes(999))
        assert is_serving(address)
    assert is_serving(address)
    assert resident_bytes(process.pid) - before < GROWTH_BYTES


async def test_silent_publishers_and_readers_leave_room_for_others(
    broker: tuple[subprocess.Popen[str], str],
) -> None:
    process, address = broker
    before = resident_bytes(process.pid)
    async with open_channel(address) as channel:
        stub = broker_pb2_grpc.BrokerServiceStub(channel)
        request = broker_pb2.WatchRequest(flow="quiet")
        silent = [stub.Publish(timeout=2.0) for _ in range(200)]
        unread = [stub.Watch(request) for _ in range(200)]
        assert is_serving(address)
        codes = [await call.code() for call in silent]
        assert set(codes) == {grpc.StatusCode.DEADLINE_EXCEEDED}
        for call in unread:
            call.cancel()
    assert is_serving(address)
    assert resident_bytes(process.pid) - before < GROWTH_BYTES


def connected(address: str) -> socket.socket:
    host, port = address.split(":")
    return socket.create_connection((host, int(port)), timeout=5)
