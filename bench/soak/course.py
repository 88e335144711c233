"""What a soak is asked to do: how many flows for how long, and what a broker may grow by."""

from collections.abc import Mapping
from dataclasses import dataclass

from latentflow.errors import InvalidInput

GROUP = "readers"
# Short enough that leases, lives and redeliveries come to their end many times within the run, and
# that a flow drops announcements: all but READING_MS and TOMBSTONE_MS, which are the broker's own.
LEASE_SECONDS = 10
KEPT_ANNOUNCEMENTS = 50
BROKER_SETTINGS: Mapping[str, str] = {
    "UPLOAD_LEASE_SECONDS": str(LEASE_SECONDS),
    "REDELIVERY_SECONDS": "10",
    "FLOW_ANNOUNCEMENTS": str(KEPT_ANNOUNCEMENTS),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """`period_seconds` lie between two latents of a flow, on average.

    After `seconds` of traffic, of which the first `warm_up_seconds` don't count, the broker rests
    for `rest_seconds`. Its memory may grow by the share `growth`.
    """

    flows: int
    seconds: float
    warm_up_seconds: float
    rest_seconds: float
    period_seconds: float
    sample_seconds: float
    growth: float
    seed: int

    def __post_init__(self) -> None:
        if self.flows < 1:
            raise InvalidInput(field="flows", problem="must be at least 1")
        if not 0 <= self.warm_up_seconds < self.seconds:
            raise InvalidInput(field="warm_up", problem="must end before the traffic")

    @property
    def window_seconds(self) -> float:
        """Memory is the median of what was sampled within so long."""
        return max(self.seconds / 20, 3 * self.sample_seconds)
