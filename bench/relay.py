"""The broker under load, by message size, flows at once and subscribers, against bare transport.

Each turn does the same work three ways, one right after the other: latents through the broker (all
published at once, then each read by all its subscribers at once), their messages as bare gRPC
streams that are echoed once for each subscriber, and as bare XADD and XREAD.
"""

import asyncio
import time
from argparse import Namespace
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import count

import redis.asyncio as redis

from bench.children import free_port, running
from bench.echo import EchoClient
from bench.figures import Figure, Findings, Stopwatch, figure, milliseconds, ratio, throughput
from bench.stand import Stand, broker_stand
from latentflow.cli.settings import Settings
from latentflow.rpc.admin_client import AdminClient
from latentflow.rpc.broker_client import BrokerClient
from latentflow.rpc.channel import open_channel
from tests.made_latents import MadeLatent, make_latent

_KIB = 1024
_TIMEOUT = 60.0
_WARM_UP_TURNS = 2
_LEAST_TURNS, _MOST_TURNS = 5, 60
_WORK_BYTES = 24 * _KIB * _KIB  # about as much a load, however large its turns
_MOST_STREAMS = 2.0
_MOST_CALLS = 2.0
_stream_numbers = count()


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """`flows` latents of about `kilobytes` at once, in frames of 64 KB, each with `subscribers`."""

    kilobytes: int
    flows: int = 1
    subscribers: int = 1

    @property
    def name(self) -> str:
        return f"{self.kilobytes} KB, flows {self.flows}, subscribers {self.subscribers}"

    @property
    def turns(self) -> int:
        moved = self.kilobytes * _KIB * self.flows * (1 + self.subscribers)
        return max(_LEAST_TURNS, min(_MOST_TURNS, _WORK_BYTES // moved))


LOADS = (
    *(Load(kilobytes=each) for each in (4, 16, 64, 1024)),
    *(Load(kilobytes=64, flows=each) for each in (20, 200)),
    *(Load(kilobytes=64, subscribers=each) for each in (4, 16)),
)
_SMALL, _LARGE = Load(kilobytes=16), Load(kilobytes=1024)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ways:
    broker: BrokerClient
    admin: AdminClient
    echo: EchoClient
    store: redis.Redis


@dataclass(slots=True, kw_only=True)
class Seconds:
    """Of each turn; `calls` are two unary echoes, one XADD and one XREAD."""

    broker: list[float] = field(default_factory=list)
    streams: list[float] = field(default_factory=list)
    store: list[float] = field(default_factory=list)
    calls: list[float] = field(default_factory=list)


def run(_arguments: Namespace, settings: Settings) -> Findings:
    return asyncio.run(_run(settings.environment))


async def _run(environment: Mapping[str, str]) -> Findings:
    async with _ways(environment) as ways:
        figures = [each for load in LOADS for each in _figures(load, await _measure(ways, load))]
    return Findings(
        scenario="relay",
        setting={
            "broker": "latents published at once, then each read by its subscribers at once",
            "streams": "the same messages, echoed once for each subscriber",
            "store": "the same messages, one XADD each, one XREAD for each subscriber",
            "MB/s": "of the latents before zstd, once up and once down for each subscriber",
            "ratios": "of neighbouring turns",
        },
        figures=figures,
    )


def _figures(load: Load, seconds: Seconds) -> Iterator[Figure]:
    moved = load.kilobytes * _KIB * load.flows * (1 + load.subscribers)
    yield milliseconds(f"{load.name}: broker", seconds.broker)
    yield _p99(f"{load.name}: broker, p99", seconds.broker)
    yield throughput(f"{load.name}: broker", seconds.broker, moved)
    most = _MOST_STREAMS if load == _LARGE else None
    yield ratio(f"{load.name}: to bare streams", seconds.broker, seconds.streams, at_most=most)
    yield ratio(f"{load.name}: to XADD and XREAD", seconds.broker, seconds.store)
    if load == _SMALL:
        name = f"{load.name}: to two echoes, XADD, XREAD"
        yield ratio(name, seconds.broker, seconds.calls, at_most=_MOST_CALLS)


def _p99(name: str, seconds: Sequence[float]) -> Figure:
    """The nearest rank: with fewer than 100 turns the largest."""
    ranked = sorted(1000 * each for each in seconds)
    return figure(name, [ranked[min(len(ranked) - 1, int(0.99 * len(ranked)))]], "ms")


async def _measure(ways: Ways, load: Load) -> Seconds:
    for _ in range(_WARM_UP_TURNS):
        await _turn(ways, load, Seconds())
    seconds = Seconds()
    for _ in range(load.turns):
        await _turn(ways, load, seconds)
    return seconds


async def _turn(ways: Ways, load: Load, seconds: Seconds) -> None:
    latents = [_made(load) for _ in range(load.flows)]
    watch = Stopwatch()
    await asyncio.gather(*(_through_broker(ways.broker, made, load) for made in latents))
    seconds.broker.append(watch.lap())
    await asyncio.gather(*(_as_streams(ways.echo, made, load) for made in latents))
    seconds.streams.append(watch.lap())
    await asyncio.gather(*(_through_store(ways.store, made, load) for made in latents))
    seconds.store.append(watch.lap())
    await _as_calls(ways, latents[0])
    seconds.calls.append(watch.lap())
    for made in latents:
        await ways.admin.revoke(made.latent_id, timeout=_TIMEOUT)


def _made(load: Load) -> MadeLatent:
    return make_latent(
        time.time_ns() // 1_000_000,
        stream_bytes=load.kilobytes * _KIB,
        frame_bytes=64 * _KIB,
    )


async def _through_broker(broker: BrokerClient, made: MadeLatent, load: Load) -> None:
    await broker.publish(made.manifest_bytes, made.frames, timeout=_TIMEOUT)
    reads = [_read(broker, made) for _ in range(load.subscribers)]
    await asyncio.gather(*reads)


async def _read(broker: BrokerClient, made: MadeLatent) -> None:
    steps = [step async for step in broker.subscribe(made.latent_id, timeout=_TIMEOUT)]
    assert steps[1:-1] == made.frames  # what is measured must also be right


async def _as_streams(echo: EchoClient, made: MadeLatent, load: Load) -> None:
    messages = _messages(made)
    await asyncio.gather(*(echo.parts(messages) for _ in range(load.subscribers)))


async def _through_store(store: redis.Redis, made: MadeLatent, load: Load) -> None:
    key = f"bare-{next(_stream_numbers)}"
    for message in _messages(made):
        await store.xadd(key, {"frame": message})
    await asyncio.gather(*(store.xread({key: "0"}) for _ in range(load.subscribers)))
    await store.delete(key)


async def _as_calls(ways: Ways, made: MadeLatent) -> None:
    whole, key = b"".join(_messages(made)), f"bare-{next(_stream_numbers)}"
    await ways.echo.whole(whole)
    await ways.store.xadd(key, {"frame": whole})
    await ways.store.xread({key: "0"})
    await ways.echo.whole(whole)
    await ways.store.delete(key)


def _messages(made: MadeLatent) -> list[bytes]:
    return [made.manifest_bytes, *(frame.payload for frame in made.frames)]


@asynccontextmanager
async def _ways(environment: Mapping[str, str]) -> AsyncIterator[Ways]:
    port = free_port()
    with (
        broker_stand(environment, {"TENANT_PUBLISHES_PER_SECOND": "100000"}) as stand,
        running("bench.echo", str(port), environment=environment),
    ):
        async with (
            open_channel(stand.address) as broker,
            open_channel(stand.admin_address) as admin,
            open_channel(f"127.0.0.1:{port}") as echo,
            _store(stand) as store,
        ):
            for channel in (broker, admin, echo):
                await asyncio.wait_for(channel.channel_ready(), _TIMEOUT)
            yield Ways(
                broker=BrokerClient(broker),
                admin=AdminClient(admin),
                echo=EchoClient(echo),
                store=store,
            )


@asynccontextmanager
async def _store(stand: Stand) -> AsyncIterator[redis.Redis]:
    pool = redis.BlockingConnectionPool.from_url(stand.store.url, max_connections=64, timeout=None)
    client = redis.Redis(connection_pool=pool)
    try:
        yield client
    finally:
        await client.aclose()
        await pool.aclose()
