"""Requests that are in flight while services are restarted, and what became of them."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable

from latentflow.calls import Sampling
from latentflow.client import LatentFlow
from latentflow.latent import Frame
from latentflow.rpc.broker_client import BrokerClient
from tests.made_latents import MadeLatent, make_latent

# Latents that are published and read meanwhile; each is two of them.
STREAMS = 500
CALLERS = 2
# Of a call, some of which last the whole test; also where cores are busy.
TIMEOUT = 300.0


class Load:
    """Goes on until every one of `turns` is set, by the test."""

    def __init__(self, broker: BrokerClient, flow: LatentFlow, turns: int) -> None:
        self.handed_over = 0
        self.failures: list[Exception] = []
        self.in_flight = 0
        self.is_full = asyncio.Event()
        self.turns = [asyncio.Event() for _ in range(turns)]
        self._broker = broker
        self._flow = flow

    async def run(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            for _ in range(STREAMS // 2):
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
        yield made.frames[len(self.turns)]

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
        self.handed_over += 1

    async def _counted(self, request: Awaitable[object]) -> None:
        self.in_flight += 1
        if self.in_flight >= STREAMS:
            self.is_full.set()
        try:
            await request
        except Exception as failure:
            self.failures.append(failure)
        finally:
            self.in_flight -= 1
