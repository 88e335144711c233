"""What a latent says of how it is protected: its seal, its signature. Keys are `sealing`'s."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from latentflow.errors import InvalidInput

SealStep = Callable[[int, int, bytes], bytes]
"""Seals or unseals a frame's payload, given the frame's index, its `raw_bytes` and the payload."""

# What sealing adds to a payload.
SEAL_BYTES = 16

_SALT = re.compile(r"[0-9a-f]{64}")
_KEY_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_ED25519 = re.compile(r"[0-9a-f]{128}")


class SealAlgorithm(StrEnum):
    """How payloads are sealed (latent.proto spells it out)."""

    AES_256_GCM = "aes-256-gcm"


def parse_key_id(text: str, field: str) -> str:
    """Raises InvalidInput unless `text` is 1 to 64 letters, digits, dots, dashes, underscores."""
    if not _KEY_ID.fullmatch(text):
        raise InvalidInput(field=field, problem="must match [A-Za-z0-9._-]{1,64}")
    return text


@dataclass(frozen=True, slots=True, kw_only=True)
class Seal:
    """With which of the tenant's keys the payloads are sealed; `salt` is 32 bytes in hexadecimal.

    The salt is new for each latent, as is the key that is derived with it.
    """

    key_id: str
    salt: str
    algorithm: SealAlgorithm = SealAlgorithm.AES_256_GCM

    def __post_init__(self) -> None:
        parse_key_id(self.key_id, "seal.key_id")
        if not _SALT.fullmatch(self.salt):
            raise InvalidInput(field="seal.salt", problem="must be 32 bytes in hexadecimal")


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """A sharer's Ed25519 signature of a commit in hexadecimal; `key_id` tells by which key."""

    key_id: str
    ed25519: str

    def __post_init__(self) -> None:
        parse_key_id(self.key_id, "signature.key_id")
        if not _ED25519.fullmatch(self.ed25519):
            raise InvalidInput(field="signature.ed25519", problem="must be 64 bytes in hexadecimal")
