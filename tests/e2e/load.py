"""Requests that are in flight while services are restarted, and what became of them."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager

from latentflow.calls import Sampling
from latentflow.client import LatentFlow
from latentflow.latent import Frame
from latentflow.rpc.broker_client import BrokerClient
from tests.made_latents import MadeLatent, make_latent

# Latents that are published and read meanwhile; each is two of them.
STREAMS = 500
# All may meet at one sharer, while the other one is away: fewer than its MAX_WAITING.
CALLERS = 24
# Of either kind that are in flight at least: some at both instances, as calls take turns on them.
SOME = 4
# Of a call, some of which last the whole test; also where cores are busy.
TIMEOUT = 300.0


class Requests:
    """How many of one kind are in flight; `changed` hears whenever that changes."""

    def __init__(self, changed: Callable[[], None]) -> None:
        self.in_flight = 0
        self._changed = changed

    @contextmanager
    def one(self) -> Iterator[None]:
        self._count(1)
        try:
            yield
        finally:
            self._count(-1)

    def _count(self, more: int) -> None:
        self.in_flight += more
        self._changed()


class Load:
    """Goes on until every one of `turns` is set, by the test."""

    def __init__(self, broker: BrokerClient, flow: LatentFlow, turns: int) -> None:
        self.handed_over = 0
        self.failures: list[Exception] = []
        self.turns = [asyncio.Event() for _ in range(turns)]
        self.streams, self.shares, self.asks = (Requests(self._look) for _ in range(3))
        self._is_under_way = asyncio.Event()
        self._broker = broker
        self._flow = flow

    async def run(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            for _ in range(STREAMS // 2):
                tasks.create_task(self._relay(make_latent(time.time_ns() // 1_000_000)))
            for _ in range(CALLERS):
                tasks.create_task(self._hand_over_and_over())

    async def under_way(self) -> None:
        """Returns while all streams, some shares and some asks are in flight."""
        while not self._is_under_way.is_set():
            await self._is_under_way.wait()

    def _look(self) -> None:
        handoffs = min(self.shares.in_flight, self.asks.in_flight)
        if self.streams.in_flight >= STREAMS and handoffs >= SOME:
            self._is_under_way.set()
        else:
            self._is_under_way.clear()

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
            tasks.create_task(self._stream(publishing))
            await is_there.wait()
            tasks.create_task(self._stream(self._read(made)))

    async def _frames_of(self, made: MadeLatent) -> AsyncIterator[Frame]:
        for frame, turn in zip(made.frames, self.turns, strict=False):
            yield frame
            await turn.wait()
        yield made.frames[len(self.turns)]

    async def _read(self, made: MadeLatent) -> None:
        fetched = await self._broker.fetch(made.latent_id, timeout=TIMEOUT)
        assert fetched.stream == made.stream

    async def _stream(self, request: Awaitable[object]) -> None:
        with self._noted(), self.streams.one():
            await request

    async def _hand_over_and_over(self) -> None:
        while not self.turns[-1].is_set():
            with self._noted():
                await self._hand_over()

    async def _hand_over(self) -> None:
        with self.shares.one():
            shared = await self._flow.share("The lamp is green.", fresh=True, timeout=TIMEOUT)
        latents = [shared.latent.manifest.latent_id]
        sampling = Sampling(max_tokens=16)
        with self.asks.one():
            answer = await self._flow.ask("Which?", latents, sampling=sampling, timeout=TIMEOUT)
        assert answer.wire_bytes > 0
        self.handed_over += 1

    @contextmanager
    def _noted(self) -> Iterator[None]:
        """What the test then finds among the failures; the other requests go on."""
        try:
            yield
        except Exception as failure:
            self.failures.append(failure)
