"""The sharer's settings, read from environment variables and checked before anything starts."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from latentflow.errors import InvalidInput
from latentflow.rpc.environment import settings_from

PREFIX = "LATENTFLOW_SHARER_"
_LONGEST_SECONDS = 3600


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Each field is the variable LATENTFLOW_SHARER_<NAME>; the values here are the defaults.

    `model` and `adapters` are folders, `broker` is an address. `max_waiting` calls may be
    admitted at once, the one that is worked on included. `tenant_key_file` holds the secret that
    content digests are keyed with; without it each process makes its own. `publish_seconds` is
    how long the broker has to take a latent. `threads` is how many torch uses, 0 for its choice.
    With `key_ring_file`, or a ring in `key_ring`, every latent is sealed with its tenant's key;
    with `signing_key_file` or `signing_key`, in PEM, every commit is signed.
    Prometheus reads metrics at `metrics_port`, or nowhere when it is 0.
    """

    model: Path
    adapters: Path
    host: str = "127.0.0.1"
    port: int = 50052
    broker: str = "127.0.0.1:50051"
    max_waiting: int = 32
    threads: int = 0
    tenant_key_file: Path | None = None
    publish_seconds: float = 30.0
    grace_seconds: float = 10.0
    metrics_host: str = "127.0.0.1"
    metrics_port: int = 0
    key_ring_file: Path | None = None
    key_ring: str = field(default="", repr=False)
    signing_key_file: Path | None = None
    signing_key: str = field(default="", repr=False)

    def __post_init__(self) -> None:
        for name in ("port", "metrics_port"):
            _require(0 <= getattr(self, name) < 1 << 16, name, "must be 0 to 65535")
        _require(self.max_waiting >= 1, "max_waiting", "must be at least 1")
        _require(self.threads >= 0, "threads", "must not be negative")
        in_range = 0 < self.publish_seconds <= _LONGEST_SECONDS
        _require(in_range, "publish_seconds", f"must be above 0, at most {_LONGEST_SECONDS}")
        in_range = 0 <= self.grace_seconds <= _LONGEST_SECONDS
        _require(in_range, "grace_seconds", f"must be 0 to {_LONGEST_SECONDS}")

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> "Settings":
        """Raises InvalidInput naming the variable."""
        return settings_from(cls, PREFIX, environment)


def _require(condition: bool, name: str, problem: str) -> None:
    if not condition:
        raise InvalidInput(field=PREFIX + name.upper(), problem=problem)
