"""The way of one latent's bytes through the broker and back, against a bare gRPC echo of them.

The broker is its own process over a Valkey of its own, the echo another; they take turns.
"""

import asyncio
from argparse import Namespace
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from bench.children import free_port, running
from bench.echo import EchoClient
from bench.figures import Figure, Findings, Stopwatch, milliseconds, ratio
from bench.latents import Sealed, sealed
from bench.stand import broker_stand
from latentflow.cli.settings import Settings
from latentflow.quantisation import Quantisation
from latentflow.relay import StreamStep
from latentflow.rpc.admin_client import AdminClient
from latentflow.rpc.broker_client import BrokerClient
from latentflow.rpc.channel import open_channel
from latentflow.wire.frames import DEFAULT_FRAME_BYTES

_SUBJECTS = {
    "24 KB": (95, Quantisation.INT8),
    "1 MB": (2000, Quantisation.FLOAT16),
}
_WIDTH = 256
_RUNS = 200
_WARM_UP_RUNS = 20
_TIMEOUT = 30.0
_MOST_ECHOES = 3.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    broker: BrokerClient
    admin: AdminClient
    echo: EchoClient


@dataclass(slots=True, kw_only=True)
class Seconds:
    """Of each turn."""

    publish: list[float] = field(default_factory=list)
    subscribe: list[float] = field(default_factory=list)
    whole: list[float] = field(default_factory=list)
    parts: list[float] = field(default_factory=list)

    @property
    def round_trip(self) -> list[float]:
        return [sum(pair) for pair in zip(self.publish, self.subscribe, strict=True)]


def run(_arguments: Namespace, settings: Settings) -> Findings:
    return asyncio.run(_run(settings.environment))


async def _run(environment: Mapping[str, str]) -> Findings:
    subjects = {name: sealed(slots, _WIDTH, kind) for name, (slots, kind) in _SUBJECTS.items()}
    async with _bench(environment) as bench:
        found = {name: await _measure(bench, subject) for name, subject in subjects.items()}
    return Findings(
        scenario="broker",
        setting={
            "payload_bytes": {name: subject.payload_bytes for name, subject in subjects.items()},
            "frame_bytes": DEFAULT_FRAME_BYTES,
            "round trip": "publish to the word that it is stored, then subscribe to the commit",
            "echo": "unary: one message; stream: the same messages as a publisher's, each echoed",
            "ratios": "of neighbouring turns",
        },
        figures=[each for name, seconds in found.items() for each in _figures(name, seconds)],
    )


def _figures(name: str, seconds: Seconds) -> Iterator[Figure]:
    yield milliseconds(f"publish {name}", seconds.publish)
    yield milliseconds(f"subscribe {name}", seconds.subscribe)
    yield milliseconds(f"round trip {name}", seconds.round_trip)
    for kind, echo in (("unary", seconds.whole), ("stream", seconds.parts)):
        yield milliseconds(f"echo {name}, {kind}", echo)
        title = f"round trip to echo {name}, {kind}"
        yield ratio(title, seconds.round_trip, echo, at_most=_MOST_ECHOES)


async def _measure(bench: Bench, subject: Sealed) -> Seconds:
    for _ in range(_WARM_UP_RUNS):
        await _turn(bench, subject, Seconds())
    seconds = Seconds()
    for _ in range(_RUNS):
        await _turn(bench, subject, seconds)
    return seconds


async def _turn(bench: Bench, subject: Sealed, seconds: Seconds) -> None:
    latent_id, manifest_bytes = subject.reborn()
    messages = [manifest_bytes, *(frame.payload for frame in subject.frames)]
    whole = b"".join(messages)
    watch = Stopwatch()
    await bench.broker.publish(manifest_bytes, subject.frames, timeout=_TIMEOUT)
    seconds.publish.append(watch.lap())
    read = [step async for step in bench.broker.subscribe(latent_id, timeout=_TIMEOUT)]
    seconds.subscribe.append(watch.lap())
    echoed = await bench.echo.whole(whole)
    seconds.whole.append(watch.lap())
    parts = await bench.echo.parts(messages)
    seconds.parts.append(watch.lap())
    _require_same(subject, read, echoed == whole and parts == messages)
    await bench.admin.revoke(latent_id, timeout=_TIMEOUT)


def _require_same(subject: Sealed, read: list[StreamStep], is_echo_right: bool) -> None:
    """Raises AssertionError: what is measured must also be right."""
    assert read[1:-1] == subject.frames
    assert is_echo_right


@asynccontextmanager
async def _bench(environment: Mapping[str, str]) -> AsyncIterator[Bench]:
    port = free_port()
    with (
        broker_stand(environment) as stand,
        running("bench.echo", str(port), environment=environment),
    ):
        async with (
            open_channel(stand.address) as broker,
            open_channel(stand.admin_address) as admin,
            open_channel(f"127.0.0.1:{port}") as echo,
        ):
            for channel in (broker, admin, echo):
                await asyncio.wait_for(channel.channel_ready(), _TIMEOUT)
            yield Bench(
                broker=BrokerClient(broker), admin=AdminClient(admin), echo=EchoClient(echo)
            )
