"""What one run does, drawn from its seed: its latents, its one fault, and where that strikes.

Pure values; how bytes and processes are broken is `link`'s and `stage`'s.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from tests.made_latents import MadeLatent, make_latent

LATENTS = 4
READERS = 2
_LONGEST_BYTES = 40_000
# A replica is held back, and then the primary killed, while these are still on their way.
_LONGEST_BYTES_REPLICATED = 600_000


class Hop(StrEnum):
    """A connection with a proxy of ours in it; its first name is the one that connects."""

    PUBLISHER = "publisher-broker"
    READER = "reader-broker"
    STORE = "broker-store"


class Direction(StrEnum):
    """UP goes from the one that connected."""

    UP = "up"
    DOWN = "down"


class Fault(StrEnum):
    DELAY = "delay"
    STALL = "stall"
    DROP = "drop"
    CUT = "cut"
    TRUNCATE = "truncate"
    DUPLICATE = "duplicate"
    REORDER = "reorder"
    FLIP = "flip a bit"
    KILL_PUBLISHER = "kill publisher"
    KILL_BROKER = "kill broker"
    KILL_READER = "kill reader"
    KILL_STORE = "kill store"
    KILL_PRIMARY = "kill primary"


class Stand(StrEnum):
    """Which servers the store is: one alone, or several of which a replica takes over."""

    VALKEY = "valkey"
    REDIS = "redis"
    SENTINELS = "sentinels"
    CLUSTER = "cluster"


class Keeping(StrEnum):
    """What a killed store still has.

    A server alone: everything when it starts again (appendonly, fsync always), or nothing. A
    primary's replica: what came to it by itself, or nothing of the last moments.
    """

    KEEPS = "store keeps"
    FORGETS = "store forgets"


# What changes bytes on their way, rather than losing the way.
CHANGES = frozenset({Fault.DROP, Fault.DUPLICATE, Fault.REORDER, Fault.FLIP})

KILLS = frozenset(fault for fault in Fault if fault.name.startswith("KILL_"))

FAULTS = {
    Stand.VALKEY: tuple(fault for fault in Fault if fault is not Fault.KILL_PRIMARY),
    Stand.REDIS: (Fault.KILL_STORE,),
    Stand.SENTINELS: (Fault.KILL_PRIMARY,),
    Stand.CLUSTER: (Fault.KILL_PRIMARY,),
}
# Clients are told where these servers are, and so go past a proxy.
_REPLICATED = frozenset({Stand.SENTINELS, Stand.CLUSTER})

# About how many bytes go over a hop in a run, beside the streams and for each byte of the streams:
# the moment of the fault is drawn from these, so that few runs end before it.
_TRAFFIC = {
    (Hop.PUBLISHER, Direction.UP): (2000, 0.85),
    (Hop.PUBLISHER, Direction.DOWN): (2300, 0.0),
    (Hop.READER, Direction.UP): (700, 0.0),
    (Hop.READER, Direction.DOWN): (2000, 1.75),
    (Hop.STORE, Direction.UP): (8000, 0.9),
    (Hop.STORE, Direction.DOWN): (4000, 1.75),
}
_SHORTEST_SECONDS = {Fault.DELAY: 0.05, Fault.STALL: 0.5}
_LONGEST_SECONDS = {Fault.DELAY: 0.5, Fault.STALL: 4.0, Fault.KILL_PRIMARY: 0.3}
_LONGEST_DOWN_SECONDS = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Strike:
    """One fault, as the byte `after_bytes` of a direction of a hop comes by.

    `span_bytes` are lost, repeated or swapped; bit `bit` of the byte is flipped; `seconds` is how
    long bytes are held, a killed part is down, or a primary lives on whose replica hears no more.
    """

    fault: Fault
    hop: Hop
    direction: Direction
    after_bytes: int
    span_bytes: int
    bit: int
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """All that it takes to make a latent again, byte for byte, in another process."""

    seed: int
    now_ms: int
    stream_bytes: int
    frame_bytes: int

    def make(self) -> MadeLatent:
        return make_latent(
            self.now_ms,
            stream_bytes=self.stream_bytes,
            frame_bytes=self.frame_bytes,
            chance=random.Random(self.seed),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    seed: int
    stand: Stand
    keeping: Keeping
    recipes: tuple[Recipe, ...]
    strike: Strike

    def __str__(self) -> str:
        strike = self.strike
        return (
            f"{self.stand}, seed {self.seed}: {strike.fault} at byte {strike.after_bytes} "
            f"{strike.direction} {strike.hop}, {self.keeping}"
        )


def draw_plan(seed: int, now_ms: int, stand: Stand = Stand.VALKEY) -> Plan:
    chance = random.Random(seed)
    longest = _LONGEST_BYTES_REPLICATED if stand in _REPLICATED else _LONGEST_BYTES
    recipes = tuple(_draw_recipe(chance, now_ms, longest) for _ in range(LATENTS))
    return Plan(
        seed=seed,
        stand=stand,
        keeping=chance.choice(list(Keeping)),
        recipes=recipes,
        strike=_draw_strike(chance, stand, sum(recipe.stream_bytes for recipe in recipes)),
    )


def hops_of(stand: Stand) -> Sequence[Hop]:
    """The hops with a proxy of ours."""
    return [hop for hop in Hop if hop is not Hop.STORE or stand not in _REPLICATED]


def _draw_recipe(chance: random.Random, now_ms: int, longest_bytes: int) -> Recipe:
    return Recipe(
        seed=chance.getrandbits(63),
        now_ms=now_ms,
        stream_bytes=chance.randint(200, longest_bytes),
        frame_bytes=chance.randint(1_000, 16_000),
    )


def _draw_strike(chance: random.Random, stand: Stand, stream_bytes: int) -> Strike:
    fault = chance.choice(FAULTS[stand])
    hop, direction = chance.choice([way for way in _TRAFFIC if way[0] in hops_of(stand)])
    base, share = _TRAFFIC[hop, direction]
    return Strike(
        fault=fault,
        hop=hop,
        direction=direction,
        after_bytes=chance.randrange(round(base + share * stream_bytes)),
        span_bytes=chance.randint(1, 1500),
        bit=chance.randrange(8),
        seconds=chance.uniform(
            _SHORTEST_SECONDS.get(fault, 0.0), _LONGEST_SECONDS.get(fault, _LONGEST_DOWN_SECONDS)
        ),
    )
