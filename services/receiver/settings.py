"""The receiver's settings, read from environment variables and checked before anything starts."""

import socket
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

from latentflow.rpc.listening import LONGEST_SECONDS, USUAL_REQUEST_BYTES, ListeningSettings

PREFIX = "LATENTFLOW_RECEIVER_"
_MIB = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings(ListeningSettings):
    """Each field is the variable LATENTFLOW_RECEIVER_<NAME>; the values here are the defaults.

    `model` and `adapters` are folders, `broker` is an address. `max_waiting` calls may be
    admitted at once, those that are worked on included; up to `max_batch` answers are decoded
    together. A request has at most `max_request_bytes`, which is to be more than the model's window
    holds. `fetch_bytes` bounds what all calls hold of latents on their way to the model,
    `session_bytes` what sessions keep. A latent is waited for `fetch_seconds` at most.
    `name` stands in the lineage of what it uses. `threads` is how many torch uses, 0 for its own
    choice. `key_ring_file`, or a ring in `key_ring`, opens what is sealed. What is signed must be
    so by one of `trusted_signers_file`, where there is one; with `require_signature`, everything.

    Of the answers over latents `shadow_share` are compared with answers over texts; a route whose
    last `shadow_window` agree by less than `demote_below`, as mean token F1, is demoted to text.
    A comparison may hold `fetch_bytes` too, beside what calls hold.
    """

    prefix: ClassVar[str] = PREFIX

    model: Path
    adapters: Path
    port: int = 50053
    broker: str = "127.0.0.1:50051"
    name: str = field(default_factory=socket.gethostname)
    max_waiting: int = 64
    max_request_bytes: int = USUAL_REQUEST_BYTES
    max_batch: int = 8
    fetch_bytes: int = 256 * _MIB
    session_bytes: int = 512 * _MIB
    fetch_seconds: float = 30.0
    threads: int = 0
    key_ring_file: Path | None = None
    key_ring: str = field(default="", repr=False)
    trusted_signers_file: Path | None = None
    require_signature: bool = False
    shadow_share: float = 0.0
    shadow_window: int = 50
    demote_below: float = 0.0

    def __post_init__(self) -> None:
        self.check_listening()
        for name in ("max_waiting", "max_batch", "fetch_bytes", "session_bytes", "shadow_window"):
            self.require(getattr(self, name) >= 1, name, "must be at least 1")
        self.check_request_bytes(self.max_request_bytes)
        plain = self.name.isascii() and self.name.isprintable() and 0 < len(self.name) <= 255
        self.require(plain, "name", "must be 1 to 255 printable ASCII characters")
        self.require(self.threads >= 0, "threads", "must not be negative")
        for name in ("shadow_share", "demote_below"):
            self.require(0 <= getattr(self, name) <= 1, name, "must be 0 to 1")
        in_range = 0 < self.fetch_seconds <= LONGEST_SECONDS
        self.require(in_range, "fetch_seconds", f"must be above 0, at most {LONGEST_SECONDS}")
        can_check = self.trusted_signers_file is not None or not self.require_signature
        self.require(can_check, "trusted_signers_file", "must be set where a signature is required")
