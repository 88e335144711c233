"""Health: SERVING exactly while the store answers."""

from collections.abc import Iterator
from typing import Any

import pytest
from grpc_health.v1 import health
from grpc_health.v1.health_pb2 import HealthCheckRequest, HealthCheckResponse

from services.broker.__main__ import system_clock_ms
from services.broker.readiness import StoreWatch
from services.broker.record import UploadLimits
from services.broker.redis_store.connection import connect
from services.broker.redis_store.latents import RedisLatents
from services.broker.store_url import parse_store_url
from tests.store_servers import StoreServer, valkey_binary

SERVICE = "latentflow.v1.BrokerService"


@pytest.fixture
def store() -> Iterator[StoreServer]:
    """Not started yet."""
    server = StoreServer(valkey_binary())
    yield server
    server.remove()


async def test_health_follows_the_store_down_and_up(
    store: StoreServer, caplog: pytest.LogCaptureFixture
) -> None:
    connections = connect(parse_store_url(store.url), followers=1)
    latents = RedisLatents(connections, UploadLimits(lease_ms=1, latent_bytes=1))
    servicer = health.aio.HealthServicer()
    watch = StoreWatch(latents, [servicer], SERVICE, system_clock_ms)
    await watch.look()
    assert await statuses(servicer) == {HealthCheckResponse.NOT_SERVING}
    store.start()
    await watch.look()
    assert await statuses(servicer) == {HealthCheckResponse.SERVING}
    store.stop()
    for _ in range(3):
        await watch.look()
    assert await statuses(servicer) == {HealthCheckResponse.NOT_SERVING}
    assert caplog.text.count("waiting for it") == 2
    await connections.close()


async def test_server_that_evicts_is_warned_of(
    store: StoreServer, caplog: pytest.LogCaptureFixture
) -> None:
    with store.start().client() as client:
        client.config_set("maxmemory-policy", "allkeys-lru")
    connections = connect(parse_store_url(store.url), followers=1)
    latents = RedisLatents(connections, UploadLimits(lease_ms=1, latent_bytes=1))
    await StoreWatch(latents, [health.aio.HealthServicer()], SERVICE, system_clock_ms).look()
    assert "set it to noeviction" in caplog.text
    await connections.close()


async def statuses(servicer: health.aio.HealthServicer) -> set[int]:
    """Of the service and of the server as a whole."""
    requests = [HealthCheckRequest(service=service) for service in ("", SERVICE)]
    context: Any = None  # not looked at
    return {(await servicer.Check(request, context)).status for request in requests}
