"""The domain values: what a latent is made of, validated where it is made.

A latent is immutable: one `Manifest`, ordered `Frame`s, one `Commit`. This file knows neither
protobuf nor torch nor Redis.
"""

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import NewType

from latentflow.errors import EmptyInput, IdentityMismatch, IdentityMissing, InvalidInput
from latentflow.protection import Seal, Signature
from latentflow.quantisation import GRADED, Quantisation
from latentflow.vectors import Codec, ElementType, TensorLayout

LatentId = NewType("LatentId", str)
FlowName = NewType("FlowName", str)
Tenant = NewType("Tenant", str)
Digest = NewType("Digest", str)

MAX_FRAME_BYTES = 256 * 1024
MAX_LABELS = 16
MAX_LIFETIME_SECONDS = 7 * 24 * 3600

_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_LATENT_ID = re.compile(rf"[0-7][{_CROCKFORD}]{{25}}")
_FLOW_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}")
_DIGEST = re.compile(r"[0-9a-f]{64}")


class Method(StrEnum):
    """How the sharer's knowledge travels (docs/architecture.md names each one's source)."""

    TEXT = "text"
    C2C = "c2c"
    LCF = "lcf"
    LCF_X = "lcf-x"
    LCF_PREFIX = "lcf-prefix"


class PositionPolicy(StrEnum):
    """Where the receiver puts the latent."""

    PREFIX = "prefix"
    ALIGNED = "aligned"
    BROADCAST = "broadcast"
    PROMPT = "prompt"


class LatentState(StrEnum):
    """OPEN takes frames; the others are final."""

    OPEN = "open"
    COMMITTED = "committed"
    ABORTED = "aborted"
    REVOKED = "revoked"


class Outcome(StrEnum):
    """What a receiver did with a latent it was given."""

    LATENT = "latent"
    TEXT_FALLBACK = "text-fallback"
    FAILED = "failed"


def new_latent_id(*, now_ms: int, entropy: bytes) -> LatentId:
    """A ULID: 48 bits of Unix milliseconds, then 80 bits of `entropy`; sorts by time of making."""
    if len(entropy) != 10:
        raise InvalidInput(field="entropy", problem="must be 10 bytes")
    number = (now_ms << 80) | int.from_bytes(entropy)
    return LatentId("".join(_CROCKFORD[(number >> shift) & 31] for shift in range(125, -1, -5)))


def parse_latent_id(text: str, field: str = "latent_id") -> LatentId:
    """Raises InvalidInput unless `text` is a ULID."""
    if not _LATENT_ID.fullmatch(text):
        raise InvalidInput(field=field, problem="must be a 26-character ULID")
    return LatentId(text)


def parse_flow_name(text: str) -> FlowName:
    """Raises InvalidInput unless `text` is 1 to 63 of a-z, 0-9, dot, dash, underscore."""
    if not _FLOW_NAME.fullmatch(text):
        raise InvalidInput(field="flow", problem="must match [a-z0-9][a-z0-9._-]{0,62}")
    return FlowName(text)


def parse_digest(text: str, field: str) -> Digest:
    """Raises IdentityMissing when empty, InvalidInput when not 64 hexadecimal digits."""
    if not text:
        raise IdentityMissing(field=field)
    if not _DIGEST.fullmatch(text):
        raise InvalidInput(field=field, problem="must be a SHA-256 in lower-case hexadecimal")
    return Digest(text)


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelIdentity:
    """Which model, down to its bytes. Digests are SHA-256 in hexadecimal."""

    name: str
    weights: Digest
    tokenizer: Digest
    config: Digest

    def __post_init__(self) -> None:
        if not self.name:
            raise IdentityMissing(field="name")
        for field in ("weights", "tokenizer", "config"):
            parse_digest(getattr(self, field), field)

    def require_same(self, actual: "ModelIdentity", role: str) -> None:
        """Raises IdentityMismatch naming the first field of `role` that differs."""
        for field in ("weights", "tokenizer", "config"):
            require_same(getattr(self, field), getattr(actual, field), f"{role}.{field}")


def require_same(expected: str, actual: str, field: str) -> None:
    """Raises IdentityMismatch unless both are the same."""
    if expected != actual:
        raise IdentityMismatch(field=field, expected=expected, actual=actual)


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    key: str
    value: str

    def __post_init__(self) -> None:
        if not 1 <= len(self.key) <= 63 or len(self.value) > 255:
            raise InvalidInput(field="labels", problem="keys take 1 to 63 characters, values 255")


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """Everything a receiver must know before it may use the frames.

    `content_digest` is an HMAC-SHA-256 of what the latent follows from (context, need, sharer,
    adapter, means, labels) under the tenant's key: equal latents of one tenant can be recognised,
    those of two can't be compared.
    `traceparent` is the W3C trace context of the latent's creation, empty when not traced.
    `seal` is None when whoever has the frames can read them.
    Only a text message goes without adapter and receiver: any receiver can read it.
    """

    latent_id: LatentId
    flow: FlowName
    method: Method
    adapter: Digest | None
    sharer: ModelIdentity
    receiver: ModelIdentity | None
    layout: TensorLayout
    codec: Codec
    position: PositionPolicy
    created_ms: int
    expires_ms: int
    content_digest: Digest
    traceparent: str = ""
    labels: tuple[Label, ...] = ()
    seal: Seal | None = None

    def __post_init__(self) -> None:
        parse_latent_id(self.latent_id)
        parse_flow_name(self.flow)
        parse_digest(self.content_digest, "content_digest")
        self._check_parties()
        self._check_lifetime()
        if len(self.labels) > MAX_LABELS:
            raise InvalidInput(field="labels", problem=f"at most {MAX_LABELS}")

    def _check_parties(self) -> None:
        is_text = self.method is Method.TEXT
        says_text = (self.layout.dtype is ElementType.UTF8, self.position is PositionPolicy.PROMPT)
        if says_text != (is_text, is_text):
            raise InvalidInput(field="method", problem="does not fit the layout and the position")
        if is_text:
            if self.adapter is not None or self.receiver is not None:
                raise InvalidInput(field="adapter", problem="a text message has none")
            if self.codec.quantisation is not Quantisation.NONE:
                raise InvalidInput(field="codec.quantisation", problem="must be none for text")
            return
        if self.codec.quantisation in GRADED and self.method is not Method.LCF_PREFIX:
            problem = f"is not for {self.method}, whose numbers have no order"
            raise InvalidInput(field="codec.quantisation", problem=problem)
        if self.receiver is None:
            raise IdentityMissing(field="receiver")
        parse_digest(self.adapter or "", "adapter")

    def _check_lifetime(self) -> None:
        lifetime_ms = self.expires_ms - self.created_ms
        if self.created_ms <= 0 or not 0 < lifetime_ms <= MAX_LIFETIME_SECONDS * 1000:
            raise InvalidInput(
                field="expires", problem=f"must be 1 to {MAX_LIFETIME_SECONDS} s after creation"
            )

    @property
    def stream_bytes(self) -> int:
        """Bytes of the packed stream before compression."""
        return self.layout.vectors * self.codec.vector_bytes(self.layout)


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """One zstd frame of the stream, maybe sealed.

    `crc32c` covers `payload`; `raw_bytes` is its size unpacked.
    """

    index: int
    payload: bytes
    raw_bytes: int
    crc32c: int

    def __post_init__(self) -> None:
        if not self.payload:
            raise EmptyInput(field="payload")
        if self.index < 0 or self.raw_bytes <= 0 or not 0 <= self.crc32c < 1 << 32:
            raise InvalidInput(field="frame", problem="index, raw_bytes or crc32c out of range")


@dataclass(frozen=True, slots=True, kw_only=True)
class Commit:
    """Closes the stream: counts and SHA-256 over the manifest's bytes and every payload."""

    frames: int
    payload_bytes: int
    sha256: Digest
    signature: Signature | None = None

    def __post_init__(self) -> None:
        if self.frames < 1 or self.payload_bytes < 1:
            raise InvalidInput(field="commit", problem="must close at least one frame")
        parse_digest(self.sha256, "commit.sha256")


@dataclass(frozen=True, slots=True, kw_only=True)
class LatentInfo:
    """A latent as the broker knows it. `commit` is there once the state is COMMITTED.

    `expires_ms` is the manifest's, or later once the latent was renewed.
    """

    manifest: Manifest
    state: LatentState
    frames: int
    payload_bytes: int
    commit: Commit | None
    expires_ms: int


class StreamDigest:
    """SHA-256 over the manifest's bytes as sent and each payload in order, with the counts."""

    def __init__(self, manifest_bytes: bytes) -> None:
        self._sha256 = hashlib.sha256(manifest_bytes)
        self._frames = 0
        self._payload_bytes = 0

    def add(self, payload: bytes) -> None:
        self._sha256.update(payload)
        self._frames += 1
        self._payload_bytes += len(payload)

    def commit(self) -> Commit:
        """Raises InvalidInput when no frame was added."""
        return Commit(
            frames=self._frames,
            payload_bytes=self._payload_bytes,
            sha256=Digest(self._sha256.hexdigest()),
        )


def content_stream(parts: Iterable[str]) -> bytes:
    """Parts as the bytes to digest or sign: each with its length in front, so none can shift."""
    encoded = [part.encode() for part in parts]
    return b"".join(len(part).to_bytes(8) + part for part in encoded)
