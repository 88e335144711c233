"""A service answers probes before it has loaded, works then, and says what it can't load."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import grpc
import pytest
from grpc_health.v1.health_pb2 import HealthCheckRequest, HealthCheckResponse
from grpc_health.v1.health_pb2_grpc import HealthStub

import services.receiver.__main__ as receiver_process
import services.sharer.__main__ as sharer_process
from latentflow.errors import ServiceUnavailable, UnknownModel
from latentflow.rpc.channel import open_channel
from latentflow.rpc.receiver_client import ReceiverClient
from latentflow.rpc.server import RunningServer
from latentflow.rpc.sharer_client import SharerClient
from latentflow.rpc.standby import Standby
from latentflow.rpc.telemetry import SILENT
from services.receiver.answering import Answering
from services.receiver.servicer import SERVICE as RECEIVER
from services.sharer.servicer import SERVICE as SHARER
from services.sharer.sharing import Sharing
from tests.integration.services.brokers import Broker, running_broker
from tests.integration.services.callers import TIMEOUT
from tests.integration.services.stack import local, receiver_settings, sharer_settings
from tests.manual_clock import ManualClock
from tests.tiny_pair import TinyPair

SERVING = HealthCheckResponse.SERVING
NOT_SERVING = HealthCheckResponse.NOT_SERVING


@pytest.fixture
async def broker(clock: ManualClock) -> AsyncIterator[Broker]:
    async with running_broker(clock) as running:
        yield running


async def statuses(server: RunningServer, service: str) -> list[int]:
    """Of the server as a whole and of the service, asked as probes do."""
    async with grpc.aio.insecure_channel(local(server)) as channel:
        return [await status(channel, name) for name in ("", service)]


async def status(channel: Any, service: str) -> int:
    stub: Any = HealthStub(channel)
    response = await stub.Check(HealthCheckRequest(service=service))
    assert isinstance(response, HealthCheckResponse)
    return response.status


async def await_statuses(server: RunningServer, service: str, expected: int) -> None:
    """Returns when that is the status of both."""
    async with grpc.aio.insecure_channel(local(server)) as channel:
        for name in ("", service):
            await await_status(channel, name, expected)


async def await_status(channel: Any, service: str, expected: int) -> None:
    stub: Any = HealthStub(channel)
    watch = stub.Watch(HealthCheckRequest(service=service))
    async with asyncio.timeout(TIMEOUT):
        while (await watch.read()).status != expected:
            pass
    watch.cancel()


async def describe(server: RunningServer, service: str) -> object:
    async with open_channel(local(server)) as channel:
        client = SharerClient(channel) if service == SHARER else ReceiverClient(channel)
        return await client.describe(timeout=TIMEOUT)


def unloaded(service: str, pair: TinyPair, broker: Broker) -> RunningServer:
    if service == SHARER:
        standby = Standby[Sharing]("sharer")
        return sharer_process.build(sharer_settings(pair, broker), standby, SILENT, None)
    return receiver_process.build(
        receiver_settings(pair, broker), Standby[Answering]("receiver"), SILENT, None
    )


@pytest.mark.parametrize("service", [SHARER, RECEIVER])
async def test_before_it_has_loaded_it_says_so_and_calls_may_be_retried(
    pair: TinyPair, broker: Broker, service: str
) -> None:
    server = unloaded(service, pair, broker)
    await server.start_waiting()
    try:
        assert await statuses(server, service) == [NOT_SERVING, NOT_SERVING]
        with pytest.raises(ServiceUnavailable) as refusal:
            await describe(server, service)
    finally:
        await server.drain()
    assert refusal.value.retry_after_seconds > 0


async def test_a_sharer_that_has_loaded_serves(pair: TinyPair, broker: Broker) -> None:
    settings = sharer_settings(pair, broker)
    async with sharer_process.running(settings, asyncio.Event(), telemetry=SILENT) as running:
        await await_statuses(running.server, SHARER, SERVING)


async def test_a_receiver_that_has_loaded_serves_and_describes_itself(
    pair: TinyPair, broker: Broker
) -> None:
    settings = receiver_settings(pair, broker)
    async with receiver_process.running(settings, asyncio.Event(), telemetry=SILENT) as running:
        await await_statuses(running.server, RECEIVER, SERVING)
        async with open_channel(local(running.server)) as channel:
            description = await ReceiverClient(channel).describe(timeout=TIMEOUT)
    assert description.model == pair.receiver.identity
    assert [adapter.digest for adapter in description.adapters] == [pair.digest]


async def test_a_sharer_serves_while_the_broker_is_reached(pair: TinyPair, broker: Broker) -> None:
    settings = sharer_settings(pair, broker)
    async with sharer_process.running(settings, asyncio.Event(), telemetry=SILENT) as running:
        await follows(broker, running.server, SHARER)


async def test_a_receiver_serves_while_the_broker_is_reached(
    pair: TinyPair, broker: Broker
) -> None:
    settings = receiver_settings(pair, broker)
    async with receiver_process.running(settings, asyncio.Event(), telemetry=SILENT) as running:
        await follows(broker, running.server, RECEIVER)


async def follows(broker: Broker, server: RunningServer, service: str) -> None:
    await await_statuses(server, service, SERVING)
    await broker.stop()
    await await_statuses(server, service, NOT_SERVING)
    await broker.start()
    await await_statuses(server, service, SERVING)


async def test_an_unknown_model_ends_the_start_and_frees_the_port(
    pair: TinyPair, broker: Broker, tmp_path: Path
) -> None:
    settings = replace(sharer_settings(pair, broker), model=tmp_path / "nothing")
    with pytest.raises(UnknownModel) as refusal:
        async with sharer_process.running(settings, asyncio.Event(), telemetry=SILENT):
            pytest.fail("it started")
    assert refusal.value.model == str(tmp_path / "nothing")
