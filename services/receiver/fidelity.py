"""Which routes are demoted to text, as their answers over latents and over texts agree too little.

A route is the adapter that its latents go through. Owns the verdict; knows nothing of how answers
come about, nor of who hears of it.
"""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from statistics import fmean

from latentflow.errors import RouteDemoted


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """A route that is demoted from now on, or no more. `agreement` is the mean that decided it."""

    adapter: str
    is_demoted: bool
    agreement: float


class Fidelity:
    """Judges a route by the mean of its last `window` comparisons, and by no fewer.

    Below `demote_below` it is demoted. A change begins a new window: a route recovers, or is
    demoted again, by comparisons that came after it.
    """

    def __init__(self, adapters: Iterable[str], *, window: int, demote_below: float) -> None:
        self._window = window
        self._compared = {adapter: deque[float](maxlen=window) for adapter in adapters}
        self._demote_below = demote_below
        self._demoted = set[str]()

    @property
    def adapters(self) -> tuple[str, ...]:
        return tuple(self._compared)

    def is_demoted(self, adapter: str) -> bool:
        return adapter in self._demoted

    def require_trusted(self, adapter: str) -> None:
        """Raises RouteDemoted."""
        if self.is_demoted(adapter):
            raise RouteDemoted(adapter=adapter)

    def hear(self, adapter: str, agreement: float) -> Verdict | None:
        """One more comparison, 0 to 1; the verdict where it changes."""
        compared = self._compared[adapter]
        compared.append(agreement)
        mean = fmean(compared)
        is_demoted = mean < self._demote_below
        if len(compared) < self._window or is_demoted == self.is_demoted(adapter):
            return None
        compared.clear()
        self._demoted ^= {adapter}
        return Verdict(adapter=adapter, is_demoted=is_demoted, agreement=mean)
