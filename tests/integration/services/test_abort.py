"""A share that is cancelled while it publishes gives its latent up at the broker."""

import asyncio
import os
from collections.abc import Sequence

import pytest
from opentelemetry.trace import NoOpTracer

from latentflow.calls import LatentMeans, ShareCall
from latentflow.errors import LatentFailed
from latentflow.latent import LatentId
from latentflow.rpc.auth_interceptor import DEFAULT_TENANT
from latentflow.rpc.broker_client import BrokerClient
from latentflow.rpc.channel import open_channel
from latentflow.rpc.worker import Worker
from services.broker.__main__ import Stores, build, build_servicer
from services.broker.memory_store.flows import MemoryFlows
from services.broker.memory_store.latents import MemoryLatents
from services.broker.record import LatentRef, StoredFrame, UploadLimits
from services.broker.settings import Settings
from services.sharer.content_digest import KEY_BYTES, ContentDigests
from services.sharer.engine import Engine
from services.sharer.resident import Resident
from services.sharer.sharing import Births, Sharing
from tests.integration.services.stack import TIMEOUT
from tests.manual_clock import ManualClock
from tests.tiny_pair import ADAPTER, TinyPair


class StallingLatents(MemoryLatents):
    """A store that takes the first frames only once it is let."""

    def __init__(self, clock: ManualClock) -> None:
        limits = UploadLimits(lease_ms=60_000, latent_bytes=1 << 20)
        super().__init__(limits=limits, capacity_bytes=1 << 20, clock_ms=clock)
        self.asked: asyncio.Future[LatentId] = asyncio.get_running_loop().create_future()
        self.gate = asyncio.Event()

    async def append(self, ref: LatentRef, frames: Sequence[StoredFrame], *, now_ms: int) -> None:
        self.asked.set_result(ref.latent_id)
        await self.gate.wait()
        await super().append(ref, frames, now_ms=now_ms)


async def test_readers_hear_that_the_publisher_gave_up(pair: TinyPair, clock: ManualClock) -> None:
    latents, worker = StallingLatents(clock), Worker("sharer", max_admitted=1)
    settings = Settings(port=0, store_url="memory:", grace_seconds=0.2)
    servicer = build_servicer(settings, Stores(latents, MemoryFlows(clock)), clock)
    server = build(settings, servicer, NoOpTracer())
    await server.start()
    async with open_channel(f"127.0.0.1:{server.port}") as channel:
        client = BrokerClient(channel)
        sharing = asyncio.create_task(share(pair, clock, client, worker))
        latent_id = await asyncio.wait_for(latents.asked, TIMEOUT)
        sharing.cancel()
        latents.gate.set()
        await asyncio.wait({sharing})
        assert sharing.cancelled()
        assert worker.admitted == 0
        with pytest.raises(LatentFailed) as failure:
            await client.fetch(latent_id, timeout=TIMEOUT)
    assert failure.value.problem == "CANCELLED"
    await server.drain()
    await worker.close()


async def share(pair: TinyPair, clock: ManualClock, client: BrokerClient, worker: Worker) -> None:
    resident = Resident(backbone=pair.sharer, adapters={ADAPTER: pair.sharer_adapter()})
    sharing = Sharing(
        engine=Engine(resident, worker, NoOpTracer()),
        broker=client,
        births=Births(clock_ms=clock, entropy=os.urandom),
        digests=ContentDigests(bytes(KEY_BYTES)),
        publish_seconds=TIMEOUT,
        tracer=NoOpTracer(),
    )
    call = ShareCall(context="The vault code is 4471.", means=LatentMeans())
    await sharing.share(DEFAULT_TENANT, call, print)
