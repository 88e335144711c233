"""What becomes of each latent of a soak, drawn before it is published."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from random import Random

from bench.latents import Sealed, sealed
from latentflow.quantisation import Quantisation

_WIDTH = 256
_FRAME_BYTES = 8 * 1024
_SLOTS = (16, 32, 64, 128, 256)
LONGEST_LIFE_SECONDS = 40


class Fate(StrEnum):
    """LIVES is read until it expires; RESUMED lost its connection once, ABANDONED for good."""

    LIVES = "lives"
    ABORTED = "aborted"
    REVOKED = "revoked"
    RESUMED = "resumed"
    ABANDONED = "abandoned"


_WEIGHTS = {
    Fate.LIVES: 74,
    Fate.ABORTED: 8,
    Fate.REVOKED: 10,
    Fate.RESUMED: 6,
    Fate.ABANDONED: 2,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """`breaks_after` frames it is aborted or its connection lost, if that is its fate."""

    body: Sealed
    life_seconds: int
    fate: Fate
    frame_seconds: float
    breaks_after: int
    followers: int
    digest: str


def bodies() -> Sequence[Sealed]:
    """Streams of 4 to 64 KB in frames of 8."""
    return [sealed(slots, _WIDTH, Quantisation.INT8, frame_bytes=_FRAME_BYTES) for slots in _SLOTS]


def draw(random: Random, of: Sequence[Sealed]) -> Plan:
    body = random.choice(of)
    (fate,) = random.choices(list(_WEIGHTS), weights=list(_WEIGHTS.values()))
    return Plan(
        body=body,
        life_seconds=random.randint(15, LONGEST_LIFE_SECONDS),
        fate=fate,
        frame_seconds=random.choice((0.0, 0.0, 0.05, 0.2)),
        breaks_after=random.randrange(len(body.frames)),
        followers=random.choice((0, 0, 1, 2)),
        digest=random.randbytes(32).hex(),
    )
