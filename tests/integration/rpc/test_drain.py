"""A server that is told to stop takes nothing new, finishes what it can, and ends the rest."""

import asyncio
import socket
from functools import partial
from typing import Any

import grpc
import pytest
from grpc_health.v1.health_pb2 import HealthCheckRequest, HealthCheckResponse
from grpc_health.v1.health_pb2_grpc import HealthStub

from latentflow.errors import Draining, InvalidInput, Overloaded, ServiceUnavailable
from latentflow.rpc.channel import open_channel
from latentflow.rpc.methods import TAKES_CALLS
from latentflow.rpc.server import Registration, ServerSettings, build_server
from latentflow.v1.broker_pb2 import WatchRequest
from latentflow.v1.broker_pb2_grpc import (
    BrokerServiceServicer,
    BrokerServiceStub,
    add_BrokerServiceServicer_to_server,
)
from tests.integration.rpc.probe import METHODS, PEER, SERVICE, Context, ask, call, probe, served

PATIENT = ServerSettings(grace_seconds=30)
HASTY = ServerSettings(grace_seconds=0.05)


class Gate:
    """Work that waits to be let through."""

    def __init__(self) -> None:
        self.began = asyncio.Event()
        self.both_began = asyncio.Event()
        self.open = asyncio.Event()

    async def __call__(self, context: Context) -> bytes:
        (self.both_began if self.began.is_set() else self.began).set()
        await self.open.wait()
        return b"finished"


@pytest.mark.parametrize("method", METHODS)
async def test_a_call_in_flight_finishes_and_then_none_is_taken(method: str) -> None:
    gate = Gate()
    async with served(probe(gate), settings=PATIENT) as there:
        in_flight = asyncio.create_task(ask(there.channel, method))
        await asyncio.wait_for(gate.began.wait(), 20)
        draining = asyncio.create_task(there.server.drain())
        await refused(there.server.port)
        gate.open.set()
        assert (await in_flight)[-1] == b"finished"
        await draining
        with pytest.raises(ServiceUnavailable):
            await ask(there.channel, method)


async def refused(port: int) -> None:
    """Returns when the server takes no new connection any more."""
    async with asyncio.timeout(20):
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except ConnectionError:
                return
            writer.close()


async def test_a_server_that_settles_takes_calls_and_tells_channels_last() -> None:
    gate, stop = Gate(), asyncio.Event()
    gate.open.set()
    server = build_server(ServerSettings(settle_seconds=5), [probe(gate)])
    async with asyncio.TaskGroup() as tasks, open_channel(f"127.0.0.1:{server.port}") as channel:
        serving = tasks.create_task(server.serve_until(stop))
        ready, takes_calls = watch(channel, SERVICE), watch(channel, TAKES_CALLS)
        assert await heard(ready) == await heard(takes_calls) == HealthCheckResponse.SERVING
        stop.set()
        assert await heard(ready) == HealthCheckResponse.NOT_SERVING
        assert await ask(channel) == [b"finished"]
        assert await heard(takes_calls) == HealthCheckResponse.NOT_SERVING
        assert not serving.done()


async def test_a_server_that_took_no_calls_yet_does_not_settle() -> None:
    server = build_server(ServerSettings(settle_seconds=60), [probe(Gate())])
    await server.start_waiting()
    await asyncio.wait_for(server.drain(), 20)


def watch(channel: grpc.aio.Channel, name: str) -> Any:
    stub: Any = HealthStub(channel)
    return stub.Watch(HealthCheckRequest(service=name), timeout=20)


async def heard(watching: Any) -> int:
    return int((await watching.read()).status)


@pytest.mark.parametrize("method", METHODS)
async def test_a_call_that_outlasts_the_grace_is_ended_as_draining(method: str) -> None:
    gate = Gate()
    async with served(probe(gate), settings=HASTY) as there:
        in_flight = asyncio.create_task(ask(there.channel, method))
        await asyncio.wait_for(gate.began.wait(), 20)
        await there.server.drain()
        with pytest.raises(Draining):
            await in_flight


class Watched(BrokerServiceServicer):
    """A broker of which only Watch is served, and never says anything."""

    def __init__(self) -> None:
        self.began = asyncio.Event()

    async def Watch(self, request: WatchRequest, context: Any) -> None:  # type: ignore[override]
        await context.send_initial_metadata(())
        self.began.set()
        await asyncio.Future[None]()

    def registration(self) -> Registration:
        return Registration(
            service="latentflow.v1.BrokerService",
            add=lambda server: add_BrokerServiceServicer_to_server(self, server),
        )


async def test_a_watch_does_not_hold_the_drain_up() -> None:
    broker = Watched()  # type: ignore[abstract]
    async with served(broker.registration(), settings=PATIENT) as there:
        watch = BrokerServiceStub(there.channel).Watch(WatchRequest(flow="f"))
        await asyncio.wait_for(broker.began.wait(), 20)
        # Until it has come, the opening of the watch would be tried again elsewhere.
        await asyncio.wait_for(watch.initial_metadata(), 20)
        await asyncio.wait_for(there.server.drain(), PATIENT.grace_seconds / 2)
        with pytest.raises(Draining), PEER.translated():
            await watch.read()


async def test_the_stop_event_drains_and_closes() -> None:
    gate, stop = Gate(), asyncio.Event()
    server = build_server(PATIENT, [probe(gate)])
    serving = asyncio.create_task(server.serve_until(stop))
    async with open_channel(f"127.0.0.1:{server.port}") as channel:
        in_flight = asyncio.create_task(call(channel, METHODS[0]))
        await asyncio.wait_for(gate.began.wait(), 20)
        stop.set()
        gate.open.set()
        await asyncio.wait_for(serving, 20)
        assert await in_flight == [b"finished"]


async def test_one_call_more_than_the_limit_is_refused() -> None:
    gate = Gate()
    async with served(
        probe(gate), settings=ServerSettings(grace_seconds=0, max_concurrent_rpcs=1)
    ) as there:
        first = asyncio.create_task(ask(there.channel))
        await asyncio.wait_for(gate.began.wait(), 20)
        with pytest.raises(Overloaded, match="calls is at its limit of 1"):
            await ask(there.channel)
        gate.open.set()
        assert await first == [b"finished"]
        assert await ask(there.channel) == [b"finished"]


async def test_calls_without_an_end_leave_half_of_the_places_to_others() -> None:
    gate, broker = Gate(), Watched()  # type: ignore[abstract]
    settings = ServerSettings(grace_seconds=0, max_concurrent_rpcs=4)
    async with served(probe(gate), broker.registration(), settings=settings) as there:
        watch = partial(BrokerServiceStub(there.channel).Watch, WatchRequest(flow="f"), timeout=20)
        watches = [watch() for _ in range(2)]
        await asyncio.gather(*(each.initial_metadata() for each in watches))
        refusal = pytest.raises(Overloaded, match="endless calls is at its limit of 2")
        with refusal, PEER.translated():
            await watch().read()
        others = [asyncio.create_task(ask(there.channel)) for _ in range(2)]
        await asyncio.wait_for(gate.both_began.wait(), 20)
        gate.open.set()
        assert await asyncio.gather(*others) == [[b"finished"], [b"finished"]]


async def test_a_port_that_is_taken_is_refused() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(InvalidInput, match="can't be listened on"):
            build_server(ServerSettings(port=port), [])


async def test_two_servers_never_share_a_port() -> None:
    async with served(probe(Gate())) as there:
        with pytest.raises(InvalidInput):
            build_server(ServerSettings(port=there.server.port), [])


@pytest.mark.parametrize(
    "settings",
    [
        {"port": -1},
        {"port": 65536},
        {"settle_seconds": -1},
        {"grace_seconds": -1},
        {"max_concurrent_rpcs": 0},
    ],
    ids=str,
)
def test_settings_out_of_range_are_refused(settings: dict[str, int]) -> None:
    with pytest.raises(InvalidInput):
        ServerSettings(**settings)  # type: ignore[arg-type]


def test_a_loop_that_ends_with_the_drain_leaves_no_call_behind(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """How many of them it would cut off is chance, and gRPC writes a traceback for each."""
    asyncio.run(drained_while_watched(watches=64))
    assert caplog.text == ""


async def drained_while_watched(watches: int) -> None:
    server = build_server(ServerSettings(grace_seconds=0), [probe(Gate())])
    await server.start()
    channel = grpc.aio.insecure_channel(f"127.0.0.1:{server.port}")
    stub: Any = HealthStub(channel)
    watching = [stub.Watch(HealthCheckRequest()) for _ in range(watches)]
    for watch in watching:
        await watch.read()
    await server.drain()
