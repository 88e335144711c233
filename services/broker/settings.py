"""The broker's settings, read from environment variables and checked before anything starts."""

from dataclasses import dataclass
from typing import ClassVar

from latentflow.latent import MAX_FRAME_BYTES, MAX_LIFETIME_SECONDS
from latentflow.rpc.listening import LONGEST_SECONDS, LOOPBACK, ListeningSettings
from services.broker.retention import (
    MOST_ANNOUNCEMENTS,
    Retention,
    Retentions,
    parse_retentions,
)
from services.broker.store_url import parse_store_url

PREFIX = "LATENTFLOW_BROKER_"
_SHORTEST_SECONDS = 0.001  # a wait of 0 ms is one without an end to Redis
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
class Settings(ListeningSettings):
    """Each field is the variable LATENTFLOW_BROKER_<NAME>; the values here are the defaults.

    Callers come to `port`, sharers and receivers with a certificate to `services_port`, which is
    open only then, and what oversees and withdraws latents has a port of its own.
    `store_url` is one of `store_url.py`: a Redis server, a Cluster, what Sentinels watch, or
    memory:// for a store in this process that holds at most `memory_bytes` and ends with it.
    `followers` readers may wait for new frames at once, each on a connection to the store; more
    take turns. A tenant has at most `tenant_bytes` stored and `tenant_uploads` open, and begins
    `tenant_publishes_per_second`, of which a second's worth may come at once.
    A delivery that was given `max_deliveries` times and not acknowledged goes to the
    dead-letter flow. A flow keeps its last `flow_announcements`, each for `flow_seconds` at most;
    `flow_retention` says otherwise for single flows, as audit=1000/86400,memos=50/3600.
    """

    prefix: ClassVar[str] = PREFIX

    port: int = 50051
    services_port: int = 50055
    admin_host: str = LOOPBACK
    admin_port: int = 50054
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

    def __post_init__(self) -> None:
        self.check_listening()
        self.check_port("services_port")
        self.check_port("admin_port")
        self.check_host("admin_host")
        parse_store_url(self.store_url, PREFIX + "STORE_URL")
        self.require(
            self.credit_bytes >= MAX_FRAME_BYTES,
            "credit_bytes",
            f"must be at least {MAX_FRAME_BYTES}, the largest frame",
        )
        for field in _COUNTS:
            self.require(getattr(self, field) >= 1, field, "must be at least 1")
        in_range = 0 < self.tenant_publishes_per_second <= _MOST_A_SECOND
        problem = f"must be above 0, at most {_MOST_A_SECOND}"
        self.require(in_range, "tenant_publishes_per_second", problem)
        for field in ("upload_lease_seconds", "redelivery_seconds", "longest_wait_seconds"):
            in_range = _SHORTEST_SECONDS <= getattr(self, field) <= LONGEST_SECONDS
            problem = f"must be {_SHORTEST_SECONDS} to {LONGEST_SECONDS}"
            self.require(in_range, field, problem)
        self._check_retention()

    def _check_retention(self) -> None:
        in_range = 1 <= self.flow_announcements <= MOST_ANNOUNCEMENTS
        self.require(in_range, "flow_announcements", f"must be 1 to {MOST_ANNOUNCEMENTS}")
        in_range = 0.001 <= self.flow_seconds <= MAX_LIFETIME_SECONDS
        self.require(in_range, "flow_seconds", f"must be 0.001 to {MAX_LIFETIME_SECONDS}")
        parse_retentions(self.flow_retention, PREFIX + "FLOW_RETENTION")

    @property
    def retentions(self) -> Retentions:
        return Retentions(
            usual=Retention(
                announcements=self.flow_announcements, age_ms=round(self.flow_seconds * 1000)
            ),
            single=parse_retentions(self.flow_retention, PREFIX + "FLOW_RETENTION"),
        )
