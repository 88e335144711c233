"""Broker, sharer and receiver put together as their processes do it, on free ports of one process.

Owns how they are started; how they are asked is the callers'.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from types import MappingProxyType
from typing import Any

import services.receiver.__main__ as receiver_process
import services.sharer.__main__ as sharer_process
from latentflow.rpc.admin_client import AdminClient
from latentflow.rpc.broker_client import BrokerClient
from latentflow.rpc.channel import open_channel
from latentflow.rpc.deadline import RetryPolicy
from latentflow.rpc.receiver_client import ReceiverClient
from latentflow.rpc.server import RunningServer
from latentflow.rpc.sharer_client import SharerClient
from latentflow.rpc.telemetry import SILENT, Telemetry
from services.receiver.settings import Settings as ReceiverSettings
from services.sharer.settings import Settings as SharerSettings
from tests.integration.services.brokers import BROKER, Broker, running_broker
from tests.integration.services.callers import Stack
from tests.manual_clock import ManualClock
from tests.tiny_pair import TinyPair

# A test that breaks the broker wants to hear so soon.
IMPATIENT = RetryPolicy(attempts=2)


@asynccontextmanager
async def running_stack(
    pair: TinyPair,
    clock: ManualClock,
    *,
    telemetry: Telemetry = SILENT,
    seconds: Callable[[], float] = time.monotonic,
    store_bytes: int = BROKER.memory_bytes,
    sharer_options: Mapping[str, Any] = MappingProxyType({}),
    **receiver_options: Any,
) -> AsyncIterator[Stack]:
    """All three. `seconds` is the clock of the receiver's sessions."""
    stop = asyncio.Event()
    async with AsyncExitStack() as parts:
        broker = await parts.enter_async_context(
            running_broker(clock, telemetry, memory_bytes=store_bytes)
        )
        sharing = replace(sharer_settings(pair, broker), **sharer_options)
        sharer = await parts.enter_async_context(
            sharer_process.running(
                sharing, stop, clock_ms=clock, retry=IMPATIENT, telemetry=telemetry
            )
        )
        settings = replace(receiver_settings(pair, broker), **receiver_options)
        receiver = await parts.enter_async_context(
            receiver_process.running(
                settings, stop, clock=seconds, retry=IMPATIENT, telemetry=telemetry
            )
        )
        channels = [
            await parts.enter_async_context(open_channel(address))
            for address in (
                broker.address,
                local(sharer.server),
                local(receiver.server),
                broker.admin_address,
            )
        ]
        yield Stack(
            broker=broker,
            sharer_address=local(sharer.server),
            receiver_address=local(receiver.server),
            sharer_worker=sharer.worker,
            receiver_worker=receiver.worker,
            broker_client=BrokerClient(channels[0]),
            sharer=SharerClient(channels[1]),
            receiver=ReceiverClient(channels[2]),
            admin=AdminClient(channels[3]),
        )


def local(server: RunningServer) -> str:
    return f"127.0.0.1:{server.port}"


def sharer_settings(pair: TinyPair, broker: Broker) -> SharerSettings:
    return SharerSettings(
        model=pair.sharer_folder,
        adapters=pair.adapters,
        broker=broker.address,
        port=0,
        grace_seconds=0.2,
    )


def receiver_settings(pair: TinyPair, broker: Broker) -> ReceiverSettings:
    return ReceiverSettings(
        name="receiver-under-test",
        model=pair.receiver_folder,
        adapters=pair.adapters,
        broker=broker.address,
        port=0,
        grace_seconds=0.2,
    )
