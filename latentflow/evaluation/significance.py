"""How sure a figure is: bootstrap intervals over cases, and McNemar's exact test.

Owns the statistics of an evaluation; knows nothing of arms.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

RESAMPLES = 2000
_LEVEL = 0.95


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """A mean over cases and its 95% interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class McNemar:
    """Cases that only the one arm got right, and only the other; `p` is two-sided and exact."""

    only_first: int
    only_second: int
    p: float


def estimate(values: Sequence[float], *, seed: int) -> Estimate:
    """The mean, and between which means 95% of the resamples with replacement lie.

    Percentile bootstrap (Efron 1979) over a non-empty list. The same seed and length draw the
    same cases, so that figures of one set vary together.
    """
    chance, observed = np.random.default_rng(seed), np.asarray(values, float)
    draws = (chance.integers(len(observed), size=len(observed)) for _ in range(RESAMPLES))
    means = sorted(float(observed[drawn].mean()) for drawn in draws)
    outside = (1 - _LEVEL) / 2
    return Estimate(
        value=float(observed.mean()),
        low=quantile(means, outside),
        high=quantile(means, 1 - outside),
    )


def mcnemar(first: Sequence[bool], second: Sequence[bool]) -> McNemar:
    """Whether two arms differ on the same cases: a binomial test of those where they do."""
    pairs = list(zip(first, second, strict=True))
    only_first = sum(one and not other for one, other in pairs)
    only_second = sum(other and not one for one, other in pairs)
    differing = only_first + only_second
    tail = sum(math.comb(differing, k) for k in range(min(only_first, only_second) + 1))
    return McNemar(
        only_first=only_first, only_second=only_second, p=min(1.0, 2 * tail / 2**differing)
    )


def quantile(ordered: Sequence[float], share: float) -> float:
    """Of a sorted, non-empty list, linear between neighbours."""
    place = share * (len(ordered) - 1)
    below = math.floor(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (place - below) * (ordered[above] - ordered[below])
