"""A broker process whose streams are opened and hardly read: others are served, nothing is kept.

It takes few more calls than are opened, and they are opened twice: calls that outlived their client
would leave no room the second time.
"""

import asyncio
import os
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from typing import Any

import grpc
import pytest

from latentflow.errors import UnknownLatent
from latentflow.latent import MAX_LABELS, Frame, Label, LatentId
from latentflow.rpc.broker_client import BrokerClient
from latentflow.rpc.channel import open_channel
from latentflow.v1 import broker_pb2, broker_pb2_grpc
from latentflow.wire.frames import MAX_RAW_FRAME_BYTES, make_frames
from latentflow.wire.manifests import manifest_to_bytes
from tests.integration.broker.processes import address_of, broker_process
from tests.integration.broker.running import TIMEOUT
from tests.integration.fuzzing.unread import CALLS_A_CONNECTION, cut_at_the_end, vanishing_readers
from tests.integration.processes import await_serving, resident_bytes
from tests.made_latents import FLOW, make_latent
from tests.manual_clock import ManualClock
from tests.store_servers import StoreServer, valkey_binary

READERS = 100
MAX_CALLS = READERS + CALLS_A_CONNECTION
TIMES = 2
LATENT_BYTES = 16 * 1024 * 1024
# 130 to 155 MiB were seen; readers that held the whole latent would take 1,600.
GROWTH_BYTES = 300 * 1024 * 1024
FEW_CALLS = 64
ON_A_CONNECTION = FEW_CALLS // 2 + 8
ANNOUNCEMENTS = 120
# Watches have half of all calls.
MAX_WATCHES = MAX_CALLS
BYTES_A_WATCHER = 300 * 1024
LABELS = tuple(Label(key=f"k{index}", value="v" * 255) for index in range(MAX_LABELS))


@pytest.fixture
def store() -> Iterator[StoreServer]:
    """Of its own process, so that what readers hold of it is the broker's memory."""
    server = StoreServer(valkey_binary())
    server.start()
    yield server
    server.remove()


async def test_unread_latents_cost_a_few_frames_each(store: StoreServer) -> None:
    settings = {"PORT": "0", "STORE_URL": store.url, "MAX_CALLS": str(MAX_CALLS)}
    with broker_process(**settings) as process:
        address = address_of(process)
        await_serving(address)
        async with open_channel(address) as channel:
            client = BrokerClient(channel)
            latent_id = await publish_large(client)
            request = broker_pb2.SubscribeRequest(latent_id=latent_id)
            before = resident_bytes(process.pid)
            for _ in range(TIMES):
                async with vanishing_readers(
                    address,
                    lambda channel: broker_pb2_grpc.BrokerServiceStub(channel).Subscribe(request),
                    calls=READERS,
                ) as read_slowly:
                    assert await bytes_read(client, latent_id) >= LATENT_BYTES
                    await read_slowly
                    assert await bytes_read(client, latent_id) >= LATENT_BYTES
                    assert resident_bytes(process.pid) - before < GROWTH_BYTES


async def test_unread_watches_cost_a_few_announcements_each() -> None:
    settings = {"PORT": "0", "STORE_URL": "memory://", "MAX_CALLS": str(2 * MAX_WATCHES)}
    with broker_process(**settings) as process:
        address = address_of(process)
        await_serving(address)
        async with open_channel(address) as channel:
            client = BrokerClient(channel)
            request = broker_pb2.WatchRequest(flow=FLOW)
            before = resident_bytes(process.pid)
            for _ in range(TIMES):
                async with vanishing_readers(
                    address,
                    lambda channel: broker_pb2_grpc.BrokerServiceStub(channel).Watch(request),
                    calls=READERS,
                ) as read_slowly:
                    await announce(client)
                    await read_slowly
                    assert resident_bytes(process.pid) - before < READERS * BYTES_A_WATCHER


async def test_one_connection_leaves_calls_to_others() -> None:
    with broker_process(PORT="0", STORE_URL="memory://", MAX_CALLS=str(FEW_CALLS)) as process:
        address = address_of(process)
        await_serving(address)
        async with cut_at_the_end(address) as greedy, open_channel(address) as channel:
            client = BrokerClient(channel)
            request = broker_pb2.SubscribeRequest(latent_id=await publish_large(client))
            await greedy.channel_ready()
            subscribe = broker_pb2_grpc.BrokerServiceStub(greedy).Subscribe
            begun = [asyncio.create_task(has_begun(subscribe(request))) for _ in range(READERS)]
            for each in islice(asyncio.as_completed(begun, timeout=TIMEOUT), ON_A_CONNECTION):
                await each
            # Any more that were let in would begin before so many others are answered.
            for _ in range(READERS):
                with pytest.raises(UnknownLatent):
                    await client.get_latent(LatentId("0" * 26), timeout=TIMEOUT)
            assert sum(each.done() for each in begun) == ON_A_CONNECTION
            for each in begun:
                each.cancel()


async def has_begun(call: "grpc.aio.UnaryStreamCall[Any, Any]") -> None:
    await call.initial_metadata()


async def publish_large(client: BrokerClient) -> LatentId:
    """Of frames as large as they may be; what is in them is no concern of the broker's."""
    made = make_latent(ManualClock()())
    frames = make_frames([os.urandom(LATENT_BYTES)], zstd_level=1, frame_bytes=MAX_RAW_FRAME_BYTES)
    await client.publish(made.manifest_bytes, frames, timeout=TIMEOUT)
    return made.latent_id


async def bytes_read(client: BrokerClient, latent_id: LatentId) -> int:
    steps = client.subscribe(latent_id, timeout=TIMEOUT)
    return sum([len(step.payload) async for step in steps if isinstance(step, Frame)])


async def announce(client: BrokerClient) -> None:
    """Latents with manifests of some KB."""
    for _ in range(ANNOUNCEMENTS):
        made = make_latent(ManualClock()())
        manifest_bytes = manifest_to_bytes(replace(made.manifest, labels=LABELS))
        await client.publish(manifest_bytes, made.frames, timeout=TIMEOUT)
