"""The sharer's settings, read from environment variables and checked before anything starts."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

from latentflow.rpc.listening import LONGEST_SECONDS, USUAL_REQUEST_BYTES, ListeningSettings

PREFIX = "LATENTFLOW_SHARER_"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings(ListeningSettings):
    """Each field is the variable LATENTFLOW_SHARER_<NAME>; the values here are the defaults.

    `model` and `adapters` are folders, `broker` is an address. `max_waiting` calls may be
    admitted at once, the one that is worked on included. A request has at most
    `max_request_bytes`, which is to be more than the model's window holds. `tenant_key_file` holds
    the secret that content digests are keyed with; without it each process makes its own.
    `publish_seconds` is how long the broker has to take a latent. `threads` is how many torch uses,
    0 for its choice. With `key_ring_file`, or a ring in `key_ring`, every latent is sealed with its
    tenant's key; with `signing_key_file` or `signing_key`, in PEM, every commit is signed.
    """

    prefix: ClassVar[str] = PREFIX

    model: Path
    adapters: Path
    port: int = 50052
    broker: str = "127.0.0.1:50051"
    max_waiting: int = 32
    max_request_bytes: int = USUAL_REQUEST_BYTES
    threads: int = 0
    tenant_key_file: Path | None = None
    publish_seconds: float = 30.0
    key_ring_file: Path | None = None
    key_ring: str = field(default="", repr=False)
    signing_key_file: Path | None = None
    signing_key: str = field(default="", repr=False)

    def __post_init__(self) -> None:
        self.check_listening()
        self.require(self.max_waiting >= 1, "max_waiting", "must be at least 1")
        self.check_request_bytes(self.max_request_bytes)
        self.require(self.threads >= 0, "threads", "must not be negative")
        in_range = 0 < self.publish_seconds <= LONGEST_SECONDS
        self.require(in_range, "publish_seconds", f"must be above 0, at most {LONGEST_SECONDS}")
