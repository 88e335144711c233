"""Two of each service, restarted one after the other under load: no request is lost."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Iterator, Mapping
from contextlib import AsyncExitStack, contextmanager
from pathlib import Path

import pytest

from latentflow.calls import Sampling
from latentflow.client import Addresses, LatentFlow, connect
from latentflow.latent import Frame
from latentflow.rpc.broker_client import BrokerClient
from latentflow.rpc.channel import open_channel
from tests.e2e.instance import Instance, target_of
from tests.made_latents import MadeLatent, make_latent
from tests.store_servers import StoreServer, free_ports, valkey_binary
from tests.tiny_pair import TinyPair, write_tiny_pair

SERVICES = ("broker", "sharer", "receiver")
TURNS = 2
LATENTS = 250
CALLERS = 8
TIMEOUT = 120.0
# A client that has lost a server takes at most 2.4 s to try it again.
SETTLE_SECONDS = "3"

Instances = Mapping[str, list[Instance]]


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> TinyPair:
    return write_tiny_pair(tmp_path_factory.mktemp("pair"))


@pytest.fixture
def store() -> Iterator[StoreServer]:
    server = StoreServer(valkey_binary()).start()
    yield server
    server.remove()


@contextmanager
def instances_of(store: StoreServer, pair: TinyPair, logs: Path) -> Iterator[Instances]:
    """Of each service as many as TURNS, not started yet."""
    made: dict[str, list[Instance]] = {}

    def make(service: str, **settings: str) -> None:
        made[service] = [
            Instance(service, port, logs / f"{service}-{port}", **settings)
            for port in free_ports(TURNS)
        ]

    common = {"SETTLE_SECONDS": SETTLE_SECONDS}
    # Streams that go on are handed over at the end of the grace.
    streams = {"TENANT_UPLOADS": str(2 * LATENTS), "GRACE_SECONDS": "1"}
    make("broker", STORE_URL=store.url, ADMIN_PORT="0", **streams, **common)
    common |= {"BROKER": target_of(*made["broker"]), "ADAPTERS": str(pair.adapters), "THREADS": "1"}
    make("sharer", MODEL=str(pair.sharer_folder), **common)
    make("receiver", MODEL=str(pair.receiver_folder), **common)
    try:
        yield made
    finally:
        for instance in (each for several in made.values() for each in several):
            instance.kill()


class Load:
    """Requests that are in flight for as long as the restarts last, and what became of them."""

    def __init__(self, broker: BrokerClient, flow: LatentFlow) -> None:
        self.succeeded = 0
        self.failures: list[Exception] = []
        self.in_flight = 0
        self.turns = [asyncio.Event() for _ in range(TURNS)]
        self._broker = broker
        self._flow = flow

    async def run(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            for _ in range(LATENTS):
                tasks.create_task(self._relay(make_latent(time.time_ns() // 1_000_000)))
            for _ in range(CALLERS):
                tasks.create_task(self._hand_over_and_over())

    async def _relay(self, made: MadeLatent) -> None:
        """Publishes and reads it meanwhile: a frame before each turn, and the last one after."""
        is_there = asyncio.Event()
        publishing = self._broker.publish(
            made.manifest_bytes,
            self._frames_of(made),
            timeout=TIMEOUT,
            on_acknowledged=lambda _: is_there.set(),
        )
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._counted(publishing))
            await is_there.wait()
            tasks.create_task(self._counted(self._read(made)))

    async def _frames_of(self, made: MadeLatent) -> AsyncIterator[Frame]:
        for frame, turn in zip(made.frames, self.turns, strict=False):
            yield frame
            await turn.wait()
        yield made.frames[TURNS]

    async def _read(self, made: MadeLatent) -> None:
        fetched = await self._broker.fetch(made.latent_id, timeout=TIMEOUT)
        assert fetched.stream == made.stream

    async def _hand_over_and_over(self) -> None:
        while not self.turns[-1].is_set():
            await self._counted(self._hand_over())

    async def _hand_over(self) -> None:
        shared = await self._flow.share("The lamp is green.", fresh=True, timeout=TIMEOUT)
        latents = [shared.latent.manifest.latent_id]
        sampling = Sampling(max_tokens=2)
        answer = await self._flow.ask("Which?", latents, sampling=sampling, timeout=TIMEOUT)
        assert answer.wire_bytes > 0

    async def _counted(self, request: Awaitable[object]) -> None:
        self.in_flight += 1
        try:
            await request
            self.succeeded += 1
        except Exception as failure:
            self.failures.append(failure)
            print("FAIL", time.monotonic(), repr(failure), repr(failure.__cause__))
        finally:
            self.in_flight -= 1


async def restart(instance: Instance) -> None:
    assert await instance.stop() == 0
    print("stopped", instance._service, time.monotonic())
    await instance.start()
    print("started", instance._service, time.monotonic())


async def test_no_request_is_lost_when_every_service_is_restarted(
    store: StoreServer, pair: TinyPair, tmp_path: Path
) -> None:
    with instances_of(store, pair, tmp_path) as instances:
        await asyncio.gather(*(each.start() for several in instances.values() for each in several))
        addresses = Addresses(
            sharer=target_of(*instances["sharer"]), receiver=target_of(*instances["receiver"])
        )
        async with AsyncExitStack() as opened:
            channel = await opened.enter_async_context(
                open_channel(target_of(*instances["broker"]))
            )
            flow = await opened.enter_async_context(connect(addresses))
            load = Load(BrokerClient(channel), flow)
            running = asyncio.create_task(load.run())
            t0 = time.monotonic()
            while load.in_flight < 500:
                await asyncio.sleep(0.1)
            print("inflight", time.monotonic() - t0)
            for turn in range(TURNS):
                print("restart", time.monotonic())
                await asyncio.gather(*(restart(instances[service][turn]) for service in SERVICES))
                print(
                    "turn",
                    turn,
                    load.in_flight,
                    load.succeeded,
                    load.failures[:5],
                    time.monotonic() - t0,
                )
                assert load.in_flight >= 2 * LATENTS
                load.turns[turn].set()
            await running
            print(load.succeeded, len(load.failures), time.monotonic() - t0)
        assert not load.failures
        assert load.succeeded >= 2 * LATENTS
