"""How the numbers of a vector become bits, and how many of them.

Owns the bit allocation of the graded packings (docs/decisions/0012-fewer-bits.md), which is mixed
precision with a uniform mid-rise quantiser; packing itself is `wire`'s.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Quantisation(StrEnum):
    """How values are packed into bytes.

    The graded ones are for vectors whose numbers have unit spread and fall in importance, as an
    `lcf-prefix` makes them: on average 4, 2 or 1 bits a number, the first ones more.
    """

    NONE = "none"
    INT8 = "int8"
    FLOAT16 = "float16"
    BFLOAT16 = "bfloat16"
    GRADED4 = "graded4"
    GRADED2 = "graded2"
    GRADED1 = "graded1"


PACKED = tuple(each for each in Quantisation if each is not Quantisation.NONE)
"""Those in which an adapter's latents travel."""

MEAN_BITS: Mapping[Quantisation, int] = {
    Quantisation.INT8: 8,
    Quantisation.GRADED4: 4,
    Quantisation.GRADED2: 2,
    Quantisation.GRADED1: 1,
}
"""Bits a number, the scale of an int8 vector aside: the budgets of vectors that can be graded, the
whole one first."""

SIXTEENTHS = 16
"""A width that is a multiple of this is cut into its parts without a remainder."""
# The first sixteenth of the numbers, the next three, the next seven, the last five.
_ENDS = (1, 4, 11, SIXTEENTHS)
_BITS: Mapping[Quantisation, tuple[int, ...]] = {
    Quantisation.GRADED4: (6, 5, 4, 3),
    Quantisation.GRADED2: (4, 3, 2, 1),
    Quantisation.GRADED1: (3, 2, 1, 0),
}
GRADED = tuple(_BITS)

# The uniform quantiser with the least squared error on a unit normal, by bits (Max 1960, table II).
_STEPS = (0.0, 1.5956, 0.9957, 0.5860, 0.3352, 0.1881, 0.1041)


@dataclass(frozen=True, slots=True, kw_only=True)
class Grade:
    """The numbers from `start` to before `stop` take `bits` each."""

    start: int
    stop: int
    bits: int

    @property
    def step(self) -> float:
        """Between neighbouring values; they lie half a step beside its multiples."""
        return _STEPS[self.bits]

    @property
    def offset(self) -> int:
        """What makes a code of a step: as many values lie below zero as above."""
        return 1 << self.bits >> 1


def grades(quantisation: Quantisation, width: int) -> tuple[Grade, ...]:
    """The grades of a vector of `width` numbers, in order; none for what is not graded."""
    if quantisation not in _BITS:
        return ()
    ends = [width * end // SIXTEENTHS for end in _ENDS]
    return tuple(
        Grade(start=start, stop=stop, bits=bits)
        for start, stop, bits in zip([0, *ends[:-1]], ends, _BITS[quantisation], strict=True)
    )
