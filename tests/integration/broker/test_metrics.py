"""What publishers, members and a store that is gone leave in the broker's metrics."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace

import grpc
import pytest

from latentflow.errors import StoreUnavailable
from latentflow.latent import FlowName
from latentflow.relay import Abort, WatchCall
from latentflow.rpc import metric_names
from latentflow.rpc.auth_interceptor import DEFAULT_TENANT
from latentflow.wire.flows import watch_call_to_proto
from services.broker.__main__ import open_stores
from services.broker.metrics import observe_breaker
from services.broker.settings import Settings
from services.broker.store_survey import StoreSurvey, observe_store
from tests.integration.broker.running import Broker, Publisher, running_broker
from tests.integration.broker.watches import publish_some, take, watching
from tests.made_latents import make_latent
from tests.manual_clock import ManualClock
from tests.readings import Readings
from tests.store_servers import StoreServer, valkey_binary


@pytest.fixture
def readings() -> Iterator[Readings]:
    readings = Readings()
    yield readings
    readings.telemetry.shutdown()


@pytest.fixture
async def broker(
    settings: Settings, clock: ManualClock, readings: Readings
) -> AsyncIterator[Broker]:
    settings = replace(settings, max_deliveries=2)
    async with running_broker(settings, clock, readings.telemetry) as running:
        yield running


async def test_bytes_are_counted_both_ways(
    broker: Broker, clock: ManualClock, readings: Readings
) -> None:
    made = make_latent(clock())
    await broker.publish(made)
    size = len(made.manifest_bytes) + sum(len(frame.payload) for frame in made.frames)
    await broker.read(made.latent_id)
    await broker.read(made.latent_id)
    io = metric_names.BROKER_IO
    assert readings.value(io, network_io_direction="receive") == size
    assert readings.value(io, network_io_direction="transmit") == 2 * size


async def test_uploads_are_counted_while_they_last_and_by_their_end(
    broker: Broker, clock: ManualClock, readings: Readings
) -> None:
    await broker.publish(make_latent(clock()))
    publisher = Publisher(broker)
    await publisher.open(make_latent(clock()))
    assert readings.value(metric_names.UPLOADS) == 1
    await publisher.say(Abort(problem="CANCELLED"))
    await publisher.hang_up()
    assert readings.value(metric_names.UPLOADS) == 0
    ends = {
        state: readings.value(metric_names.LATENTS, latentflow_latent_state=state)
        for state in ("committed", "aborted", "abandoned")
    }
    assert ends == {"committed": 1, "aborted": 1, "abandoned": 0}


async def test_a_watch_that_its_watchers_deadline_ends_is_no_failure(
    settings: Settings, clock: ManualClock, readings: Readings, flow: FlowName
) -> None:
    async with running_broker(settings, clock, readings.telemetry) as broker:
        watch = broker.stub.Watch(watch_call_to_proto(WatchCall(flow=flow)), timeout=2.0)
        assert await watch.code() is grpc.StatusCode.DEADLINE_EXCEEDED
        async with asyncio.timeout(20):
            while not readings.count(metric_names.CALL_DURATION):  # noqa: ASYNC110 (nothing tells)
                await asyncio.sleep(0)
    ended = {"rpc_response_status_code": "DEADLINE_EXCEEDED"}
    assert readings.count(metric_names.CALL_DURATION, **ended) == 1
    assert readings.count(metric_names.CALL_DURATION, error_type="DEADLINE_EXCEEDED") == 0


async def test_deliveries_are_new_once_then_again_then_dead(
    broker: Broker, clock: ManualClock, readings: Readings, flow: FlowName
) -> None:
    await publish_some(broker, clock, flow, 1)
    for consumer in ("first", "second"):
        call = WatchCall(flow=flow, group="g", consumer=consumer)
        async with watching(broker, call) as deliveries:
            await take(deliveries, 1)
    async with watching(broker, WatchCall(flow=FlowName(f"{flow}.dead"))) as letters:
        call = WatchCall(flow=flow, group="g", consumer="third")
        async with watching(broker, call):
            await take(letters, 1)
    deliveries_of = metric_names.DELIVERIES
    assert readings.value(deliveries_of, latentflow_delivery="new") == 1
    assert readings.value(deliveries_of, latentflow_delivery="again") == 1
    assert readings.value(metric_names.DEAD_LETTERS) == 1


async def test_groups_tell_how_far_they_are_behind(
    broker: Broker, clock: ManualClock, readings: Readings, flow: FlowName
) -> None:
    async with watching(broker, WatchCall(flow=flow, group="g", consumer="a")) as deliveries:
        await publish_some(broker, clock, flow, 1)
        await take(deliveries, 1)
    await publish_some(broker, clock, flow, 2)
    stores = broker.stores
    survey = StoreSurvey(
        latents=stores.latents, flows=stores.flows, tenants=lambda: [DEFAULT_TENANT], clock_ms=clock
    )
    observe_store(readings.telemetry.meter, survey)
    await survey.look()
    group = {"messaging_destination_name": flow, "messaging_consumer_group_name": "g"}
    assert readings.value(metric_names.GROUP_PENDING, **group) == 1
    assert readings.value(metric_names.GROUP_LAG, **group) == 2
    assert readings.value(metric_names.STORE_USED) > 0


async def test_a_store_that_is_gone_opens_the_breaker_and_has_no_values(
    clock: ManualClock, readings: Readings
) -> None:
    server = StoreServer(valkey_binary())
    server.start()
    async with open_stores(Settings(store_url=server.url), clock) as stores:
        survey = StoreSurvey(
            latents=stores.latents,
            flows=stores.flows,
            tenants=lambda: [DEFAULT_TENANT],
            clock_ms=clock,
        )
        observe_store(readings.telemetry.meter, survey)
        observe_breaker(readings.telemetry.meter, stores.is_cut_off)
        await survey.look()
        assert readings.value(metric_names.BREAKER_OPEN) == 0
        assert readings.value(metric_names.STORE_USED) > 0
        server.remove()
        for _ in range(5):
            with pytest.raises(StoreUnavailable):
                await stores.flows.survey(DEFAULT_TENANT)
        await survey.look()
        assert readings.value(metric_names.BREAKER_OPEN) == 1
        assert metric_names.STORE_USED.name not in readings.names()
