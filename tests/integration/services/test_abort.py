"""A share that is cancelled while it publishes gives its latent up at the broker."""

import asyncio
import os
from collections.abc import AsyncIterator

import pytest
from opentelemetry.metrics import NoOpMeter
from opentelemetry.trace import NoOpTracer

from latentflow.calls import LatentMeans, ShareCall
from latentflow.errors import LatentFailed
from latentflow.latent import LatentId
from latentflow.rpc import outbox
from latentflow.rpc.auth_interceptor import DEFAULT_TENANT
from latentflow.rpc.broker_client import BrokerClient
from latentflow.rpc.channel import open_channel
from latentflow.rpc.worker import Worker
from services.broker.__main__ import Stores
from services.broker.memory_store.flows import MemoryFlows
from services.broker.memory_store.latents import MemoryLatents
from services.broker.memory_store.quotas import MemoryQuotas
from services.broker.record import LatentRecord, LatentRef, Opening, UploadLimits
from services.sharer.content_digest import KEY_BYTES, ContentDigests
from services.sharer.engine import Engine
from services.sharer.keys import SharerKeys
from services.sharer.manifest import Manifests
from services.sharer.metrics import SharerMetrics
from services.sharer.publishing import Publishing
from services.sharer.resident import Resident
from services.sharer.sharing import Sharing
from tests.integration.services.brokers import broker_over
from tests.integration.services.callers import TIMEOUT
from tests.manual_clock import ManualClock
from tests.tiny_pair import ADAPTER, TinyPair


@pytest.fixture
async def worker() -> AsyncIterator[Worker]:
    worker = Worker("sharer", max_admitted=1)
    yield worker
    await worker.close()


class StallingLatents(MemoryLatents):
    """A store that opens a latent only once it is let."""

    def __init__(self, clock: ManualClock) -> None:
        limits = UploadLimits(lease_ms=60_000, latent_bytes=1 << 20)
        super().__init__(limits=limits, capacity_bytes=1 << 20, clock_ms=clock)
        self.asked: asyncio.Future[LatentId] = asyncio.get_running_loop().create_future()
        self.gate = asyncio.Event()

    async def open(self, ref: LatentRef, opening: Opening, *, now_ms: int) -> LatentRecord:
        self.asked.set_result(ref.latent_id)
        await self.gate.wait()
        return await super().open(ref, opening, now_ms=now_ms)


async def test_readers_hear_that_the_publisher_gave_up(
    pair: TinyPair, clock: ManualClock, worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox, "MAX_WHOLE_BYTES", 0)  # what came whole can't be taken back
    latents = StallingLatents(clock)
    async with (
        broker_over(Stores(latents, MemoryFlows(clock), MemoryQuotas()), clock) as broker,
        open_channel(broker.address) as channel,
    ):
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


async def share(pair: TinyPair, clock: ManualClock, client: BrokerClient, worker: Worker) -> None:
    resident = Resident(backbone=pair.sharer, adapters={ADAPTER: pair.sharer_adapter()})
    metrics = SharerMetrics(NoOpMeter("test"))
    keys = SharerKeys()
    publishing = Publishing(
        broker=client,
        manifests=Manifests(
            sharer=pair.sharer.identity,
            digests=ContentDigests(bytes(KEY_BYTES)),
            keys=keys,
            clock_ms=clock,
            entropy=os.urandom,
        ),
        keys=keys,
        publish_seconds=TIMEOUT,
        tracer=NoOpTracer(),
        metrics=metrics,
    )
    sharing = Sharing(Engine(resident, worker, NoOpTracer(), metrics), publishing)
    call = ShareCall(context="The vault code is 4471.", means=LatentMeans())
    await sharing.share(DEFAULT_TENANT, call, print)
