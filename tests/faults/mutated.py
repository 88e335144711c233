"""Reads spoilt streams with the client's own code, and counts what became of them.

The client is the real one from the parsing of messages on; only the connection is replaced.
"""

import random
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

import grpc
from google.protobuf.message import DecodeError

from latentflow.errors import LatentFlowError
from latentflow.relay import Open, StreamStep
from latentflow.rpc.broker_client import BrokerClient
from latentflow.rpc.deadline import RetryPolicy
from latentflow.v1.broker_pb2 import SubscribeResponse
from latentflow.wire.guard import WITHOUT_KEYS, Guard
from latentflow.wire.manifests import manifest_to_bytes
from latentflow.wire.subscribe import stream_step_to_proto
from tests.faults.mutation import MUTATIONS
from tests.faults.stream import Stream
from tests.keys import SEAL, SECRET, SIGNER, guard_of, protected
from tests.made_latents import MadeLatent, make_latent

_NOW_MS = 1_760_000_000_123
_SECONDS = 10.0
# Bytes of the stream, bytes of a frame: one frame or many, small or with room for damage.
_SIZES = ((40, 100), (200, 20), (3000, 1000), (5000, 400), (20_000, 6000))


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcomes:
    """How many mutations of each kind were refused, by which error, or changed nothing.

    `violations` are seeds of streams that were accepted with another meaning, or failed with an
    error that is none of ours.
    """

    refused: Counter[tuple[str, str]] = field(default_factory=Counter)
    unchanged: Counter[str] = field(default_factory=Counter)
    violations: list[str] = field(default_factory=list)

    @property
    def count(self) -> int:
        return self.refused.total() + self.unchanged.total() + len(self.violations)


async def read_mutated(seeds: Sequence[int]) -> Outcomes:
    pool = [_made(*sizes) for sizes in _SIZES]
    return await _read_all(seeds, pool, WITHOUT_KEYS)


async def read_protected(seeds: Sequence[int]) -> Outcomes:
    """Likewise latents that are sealed and signed, by a reader that has the keys."""
    pool = [protected(_made(*sizes), frame_bytes=sizes[1]) for sizes in _SIZES]
    guard = guard_of({SEAL.key_id: SECRET}, signers=[SIGNER], require_signature=True)
    return await _read_all(seeds, pool, guard)


async def _read_all(seeds: Sequence[int], pool: Sequence[MadeLatent], guard: Guard) -> Outcomes:
    outcomes = Outcomes()
    for seed in seeds:
        await _read_one(seed, pool, guard, outcomes)
    return outcomes


async def _read_one(
    seed: int, pool: Sequence[MadeLatent], guard: Guard, outcomes: Outcomes
) -> None:
    chance = random.Random(seed)
    own, other = chance.sample(pool, 2)
    kind = chance.choice(list(MUTATIONS))
    replay = Replay(MUTATIONS[kind](chance, _stream(own), _stream(other)))
    client = BrokerClient(cast(grpc.aio.Channel, replay), retry=RetryPolicy(attempts=1))
    try:
        fetched = await client.fetch(own.latent_id, timeout=_SECONDS, guard=guard)
    except LatentFlowError as error:
        outcomes.refused[kind, type(error).__name__] += 1
    except Exception as error:
        outcomes.violations.append(f"seed {seed}, {kind}: {error!r}")
    else:
        read = (manifest_to_bytes(fetched.manifest), fetched.stream)
        if read == (own.manifest_bytes, own.stream):
            outcomes.unchanged[kind] += 1
        else:
            outcomes.violations.append(f"seed {seed}, {kind}: accepted")


def _made(stream_bytes: int, frame_bytes: int) -> MadeLatent:
    chance = random.Random(stream_bytes)
    return make_latent(_NOW_MS, stream_bytes=stream_bytes, frame_bytes=frame_bytes, chance=chance)


def _stream(made: MadeLatent) -> Stream:
    steps: list[StreamStep] = [Open(manifest_bytes=made.manifest_bytes), *made.frames, made.commit]
    return [stream_step_to_proto(step).SerializeToString() for step in steps]


class Replay:
    """In a channel's place: whoever subscribes gets these messages, as grpc.aio parses them."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream

    def unary_stream(self, *_: Any, **__: Any) -> Any:
        return lambda *_, **__: self

    def unary_unary(self, *_: Any, **__: Any) -> Any:
        return None

    stream_stream = unary_unary

    def cancel(self) -> None:
        pass

    async def __aiter__(self) -> AsyncIterator[SubscribeResponse | None]:
        for message in self._stream:
            yield _parsed(message)


def _parsed(message: bytes) -> SubscribeResponse | None:
    try:
        return SubscribeResponse.FromString(message)
    except DecodeError:
        return None
