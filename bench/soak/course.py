"""What a soak is asked to do: how many flows for how long, and what a broker may grow by."""

from collections.abc import Mapping
from dataclasses import dataclass

from latentflow.errors import InvalidInput

GROUP = "readers"
PHASES = 2
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

    The same traffic comes `PHASES` times for `seconds` in all, and each time the broker rests for
    `rest_seconds`. From the first to the last its memory may grow by the share `growth`.
    """

    flows: int
    seconds: float
    rest_seconds: float
    period_seconds: float
    sample_seconds: float
    growth: float
    seed: int

    def __post_init__(self) -> None:
        if self.flows < 1:
            raise InvalidInput(field="flows", problem="must be at least 1")
        if not self.seconds > 0:
            raise InvalidInput(field="seconds", problem="must be more than 0")

    @property
    def traffic_seconds(self) -> float:
        """Of one phase."""
        return self.seconds / PHASES
