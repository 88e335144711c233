"""What is sampled while a soak runs: the memory of broker and store, and how much there is."""

import asyncio
from dataclasses import dataclass
from time import monotonic
from typing import NoReturn

from bench.memory import memory_of
from bench.soak.ledger import Ledger
from bench.stand import Stand


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """`at_seconds` from the beginning, `broker_mb` resident. `used_mb` is the store's own count,
    of which its connections take `clients_mb`."""

    at_seconds: float
    broker_mb: float
    used_mb: float
    clients_mb: float
    keys: int
    connections: int
    committed: int


class Gauges:
    """Keeps what it has read, the oldest first."""

    def __init__(self, stand: Stand, ledger: Ledger) -> None:
        self._stand = stand
        self._ledger = ledger
        self._store = stand.store.client()
        self._began = monotonic()
        self.samples: list[Sample] = []

    async def sample_every(self, seconds: float) -> NoReturn:
        while True:
            self.sample()
            await asyncio.sleep(seconds)

    def sample(self) -> None:
        self._stand.broker.require_alive()
        memory, clients = self._store.info("memory"), self._store.info("clients")
        self.samples.append(
            Sample(
                at_seconds=self.seconds,
                broker_mb=memory_of(self._stand.broker.pid).rss,
                used_mb=memory["used_memory"] / 1e6,
                clients_mb=memory["mem_clients_normal"] / 1e6,
                keys=self._store.dbsize(),
                connections=clients["connected_clients"],
                committed=self._ledger.counts["latents committed"],
            )
        )

    @property
    def seconds(self) -> float:
        return monotonic() - self._began
