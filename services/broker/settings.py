"""The broker's settings, read from environment variables and checked before anything starts."""

from collections.abc import Mapping
from dataclasses import dataclass

from latentflow.errors import InvalidInput
from latentflow.latent import MAX_FRAME_BYTES, MAX_LIFETIME_SECONDS
from latentflow.rpc.environment import settings_from
from services.broker.retention import (
    MOST_ANNOUNCEMENTS,
    Retention,
    Retentions,
    parse_retentions,
)
from services.broker.store_url import parse_store_url

PREFIX = "LATENTFLOW_BROKER_"
_SHORTEST_SECONDS = 0.001  # a wait of 0 ms is one without an end to Redis
_LONGEST_SECONDS = 3600
_MOST_A_SECOND = 1_000_000
_COUNTS = (
    "memory_bytes",
    "max_latent_bytes",
    "tenant_bytes",
    "tenant_uploads",
    "max_deliveries",
    "followers",
    "max_calls",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Each field is the variable LATENTFLOW_BROKER_<NAME>; the values here are the defaults.

    `store_url` is one of `store_url.py`: a Redis server, a Cluster, what Sentinels watch, or
    memory:// for a store in this process that holds at most `memory_bytes` and ends with it.
    `followers` readers may wait for new frames at once, each on a connection to the store; more
    take turns. A tenant has at most `tenant_bytes` stored and `tenant_uploads` open, and begins
    `tenant_publishes_per_second`, of which a second's worth may come at once.
    A delivery that was given `max_deliveries` times and not acknowledged goes to the
    dead-letter flow. A flow keeps its last `flow_announcements`, each for `flow_seconds` at most;
    `flow_retention` says otherwise for single flows, as audit=1000/86400,memos=50/3600.
    Prometheus reads metrics at `metrics_port`, or nowhere when it is 0.
    """

    host: str = "127.0.0.1"
    port: int = 50051
    store_url: str = "redis://127.0.0.1:6379/0"
    memory_bytes: int = 256 * 1024 * 1024
    credit_bytes: int = 1024 * 1024
    max_latent_bytes: int = 64 * 1024 * 1024
    tenant_bytes: int = 4 * 1024 * 1024 * 1024
    tenant_uploads: int = 256
    tenant_publishes_per_second: float = 1000.0
    upload_lease_seconds: float = 60.0
    redelivery_seconds: float = 60.0
    max_deliveries: int = 5
    flow_announcements: int = 100_000
    flow_seconds: float = MAX_LIFETIME_SECONDS
    flow_retention: str = ""
    longest_wait_seconds: float = 5.0
    followers: int = 512
    max_calls: int = 1024
    grace_seconds: float = 10.0
    metrics_host: str = "127.0.0.1"
    metrics_port: int = 0

    def __post_init__(self) -> None:
        for field in ("port", "metrics_port"):
            _require(0 <= getattr(self, field) < 1 << 16, field, "must be 0 to 65535")
        parse_store_url(self.store_url, PREFIX + "STORE_URL")
        _require(
            self.credit_bytes >= MAX_FRAME_BYTES,
            "credit_bytes",
            f"must be at least {MAX_FRAME_BYTES}, the largest frame",
        )
        for field in _COUNTS:
            _require(getattr(self, field) >= 1, field, "must be at least 1")
        in_range = 0 < self.tenant_publishes_per_second <= _MOST_A_SECOND
        problem = f"must be above 0, at most {_MOST_A_SECOND}"
        _require(in_range, "tenant_publishes_per_second", problem)
        for field in ("upload_lease_seconds", "redelivery_seconds", "longest_wait_seconds"):
            in_range = _SHORTEST_SECONDS <= getattr(self, field) <= _LONGEST_SECONDS
            problem = f"must be {_SHORTEST_SECONDS} to {_LONGEST_SECONDS}"
            _require(in_range, field, problem)
        in_range = 0 <= self.grace_seconds <= _LONGEST_SECONDS
        _require(in_range, "grace_seconds", f"must be 0 to {_LONGEST_SECONDS}")
        self._check_retention()

    def _check_retention(self) -> None:
        in_range = 1 <= self.flow_announcements <= MOST_ANNOUNCEMENTS
        _require(in_range, "flow_announcements", f"must be 1 to {MOST_ANNOUNCEMENTS}")
        in_range = 0.001 <= self.flow_seconds <= MAX_LIFETIME_SECONDS
        _require(in_range, "flow_seconds", f"must be 0.001 to {MAX_LIFETIME_SECONDS}")
        parse_retentions(self.flow_retention, PREFIX + "FLOW_RETENTION")

    @property
    def retentions(self) -> Retentions:
        return Retentions(
            usual=Retention(
                announcements=self.flow_announcements, age_ms=round(self.flow_seconds * 1000)
            ),
            single=parse_retentions(self.flow_retention, PREFIX + "FLOW_RETENTION"),
        )

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> "Settings":
        """Raises InvalidInput naming the variable."""
        return settings_from(cls, PREFIX, environment)


def _require(condition: bool, field: str, problem: str) -> None:
    if not condition:
        raise InvalidInput(field=PREFIX + field.upper(), problem=problem)
