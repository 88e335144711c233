"""grpc.health.v1 and reflection work through every interceptor."""

import asyncio
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2
from grpc_health.v1.health import SERVICE_NAME as HEALTH
from grpc_health.v1.health_pb2 import HealthCheckRequest, HealthCheckResponse
from grpc_health.v1.health_pb2_grpc import HealthStub
from grpc_reflection.v1alpha.reflection_pb2 import ServerReflectionRequest
from grpc_reflection.v1alpha.reflection_pb2_grpc import ServerReflectionStub

from latentflow.errors import AccessDenied
from latentflow.latent import Tenant
from latentflow.rpc.server import ServerSettings
from tests.integration.rpc.probe import SERVICE, Context, probe, served
from tests.integration.rpc.spans import Spans

SERVING = health_pb2.HealthCheckResponse.SERVING
NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING


async def answer(context: Context) -> bytes:
    return b""


PROBE = probe(answer)


def health(channel: grpc.aio.Channel) -> Any:
    """The stub; its stubs know synchronous channels only."""
    return HealthStub(channel)


def reflection(channel: Any) -> Any:
    return ServerReflectionStub(channel)


@pytest.mark.parametrize("service", ["", SERVICE])
async def test_a_started_server_and_each_of_its_services_serve(service: str) -> None:
    async with served(PROBE) as there:
        response = await health(there.channel).Check(HealthCheckRequest(service=service))
    assert response.status == SERVING


async def test_an_unknown_service_is_not_found() -> None:
    async with served(PROBE) as there:
        with pytest.raises(grpc.aio.AioRpcError) as raised:
            await health(there.channel).Check(HealthCheckRequest(service="none"))
    assert raised.value.code() is grpc.StatusCode.NOT_FOUND


async def test_health_needs_no_credential() -> None:
    def deny(metadata: object) -> Tenant:
        raise AccessDenied

    async with served(PROBE, authenticator=deny) as there:
        response = await health(there.channel).Check(HealthCheckRequest())
    assert response.status == SERVING


async def test_what_does_not_serve_is_alive_all_the_same() -> None:
    async with served(PROBE) as there:
        await there.server.health.set(SERVICE, NOT_SERVING)
        alive = HealthCheckRequest(service=HEALTH)
        assert (await health(there.channel).Check(alive)).status == SERVING


async def test_a_watcher_hears_changes_past_the_servers_deadline() -> None:
    short = ServerSettings(
        grace_seconds=0, default_deadline_seconds=0.01, max_deadline_seconds=0.01
    )
    async with served(PROBE, settings=short) as there:
        watch = health(there.channel).Watch(HealthCheckRequest(service=SERVICE))
        assert await status_of(watch) == SERVING
        await past_a_deadline(there.channel)
        await there.server.health.set(SERVICE, NOT_SERVING)
        assert await status_of(watch) == NOT_SERVING
        watch.cancel()


async def past_a_deadline(channel: grpc.aio.Channel) -> None:
    """Returns when the server's own deadline has ended a call that began after the watch."""
    call = reflection(channel).ServerReflectionInfo()
    with pytest.raises(grpc.aio.AioRpcError):
        await call.read()


async def status_of(watch: "grpc.aio.UnaryStreamCall[object, HealthCheckResponse]") -> int:
    response = await asyncio.wait_for(watch.read(), 20)
    assert isinstance(response, HealthCheckResponse)
    return response.status


async def test_a_watcher_hears_of_the_drain_and_leaves_no_span() -> None:
    with Spans() as spans:
        async with served(PROBE, telemetry=spans.telemetry) as there:
            watch = health(there.channel).Watch(HealthCheckRequest(service=SERVICE))
            assert await status_of(watch) == SERVING
            draining = asyncio.create_task(there.server.drain())
            assert await status_of(watch) == NOT_SERVING
            await draining
        assert not spans.all()


async def test_reflection_lists_the_services() -> None:
    async with served(PROBE) as there:
        asked = ServerReflectionRequest(list_services="")
        call = reflection(there.channel).ServerReflectionInfo(iter([asked]))
        (response,) = [response async for response in call]
    assert {service.name for service in response.list_services_response.service} == {
        SERVICE,
        "grpc.health.v1.Health",
        "grpc.reflection.v1alpha.ServerReflection",
    }
