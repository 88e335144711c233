"""The whole error tree on one screen.

Every failure a caller can meet is a class named after the fact, with fields instead of prose.
How a class becomes a gRPC status is decided in `latentflow.rpc.status`, nowhere else.

LatentFlowError
|-- Refused                 InvalidInput, EmptyInput, ContextTooLong
|-- NotFound                UnknownModel, UnknownAdapter, UnknownLatent, UnknownSession, UnknownFlow
|-- NotUsable               LatentExpired, LatentRevoked, LatentIncomplete, LatentFailed,
|                           IdentityMissing, IdentityMismatch, UnsupportedMethod, UnsupportedModel,
|                           KeyUnknown, SignatureMissing, RouteDemoted
|-- Conflict                LatentExists, LatentClosed, FrameOutOfOrder
|-- Corrupt                 FrameCorrupt, FrameTooLarge, StreamMismatch, MessageMalformed,
|                           AdapterCorrupt, ModelFilesCorrupt, SealBroken, SignatureInvalid
|-- Exhausted               QuotaExceeded, StoreFull, Overloaded
|-- Unreachable             BrokerUnavailable, StoreUnavailable, ServiceUnavailable, Draining
|-- Interrupted             Cancelled, DeadlineExpired, AccessDenied, InternalError
`-- Local                   DownloadFailed, ProcessFailed, StackMissing, AdminMissing,
                            StackRunning, WrongService, WrongAddress, CallRefused, TokenMissing,
                            ProblemsFound
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import ClassVar

from latentflow.dates import utc


@dataclass(eq=False, kw_only=True)
class LatentFlowError(Exception):
    """Base of the tree. `message` is a template over the fields of the class."""

    message: ClassVar[str] = "latentflow failed"

    def __str__(self) -> str:
        return self.told(self.details())

    def told(self, shown: Mapping[str, object]) -> str:
        """The message over fields as they are to be shown, some of them cut."""
        return self.message.format(**shown)

    def details(self) -> dict[str, object]:
        """The fields by name: what crosses the wire as ErrorInfo metadata."""
        return {field.name: getattr(self, field.name) for field in fields(self)}


# --- the caller sent something that can never work ------------------------------------------


@dataclass(eq=False, kw_only=True)
class Refused(LatentFlowError):
    """The caller sent something that can never work."""


@dataclass(eq=False, kw_only=True)
class InvalidInput(Refused):
    message = "{field}: {problem}"
    field: str
    problem: str


@dataclass(eq=False, kw_only=True)
class EmptyInput(Refused):
    message = "{field} is empty"
    field: str


@dataclass(eq=False, kw_only=True)
class ContextTooLong(Refused):
    message = "{field} has {tokens} tokens, the model takes at most {limit}"
    field: str
    tokens: int
    limit: int


# --- the thing named does not exist ---------------------------------------------------------


@dataclass(eq=False, kw_only=True)
class NotFound(LatentFlowError):
    """The thing named does not exist."""


@dataclass(eq=False, kw_only=True)
class UnknownModel(NotFound):
    message = "no model named {model!r}"
    model: str


@dataclass(eq=False, kw_only=True)
class UnknownAdapter(NotFound):
    message = "no adapter {adapter!r}"
    adapter: str


@dataclass(eq=False, kw_only=True)
class UnknownLatent(NotFound):
    message = "no latent {latent_id}"
    latent_id: str


@dataclass(eq=False, kw_only=True)
class UnknownSession(NotFound):
    message = "no session {session_id}"
    session_id: str


@dataclass(eq=False, kw_only=True)
class UnknownFlow(NotFound):
    message = "no flow {flow!r}"
    flow: str


# --- it exists, but may not be used here ----------------------------------------------------


@dataclass(eq=False, kw_only=True)
class NotUsable(LatentFlowError):
    """It exists, but may not be used here."""


@dataclass(eq=False, kw_only=True)
class LatentExpired(NotUsable):
    message = "latent {latent_id} expired at {expired}"
    latent_id: str
    expired_ms: int

    def told(self, shown: Mapping[str, object]) -> str:
        return super().told({**shown, "expired": utc(self.expired_ms)})


@dataclass(eq=False, kw_only=True)
class LatentRevoked(NotUsable):
    message = "latent {latent_id} was revoked"
    latent_id: str


@dataclass(eq=False, kw_only=True)
class LatentIncomplete(NotUsable):
    message = "latent {latent_id} stopped after {frames} frames without a commit"
    latent_id: str
    frames: int


@dataclass(eq=False, kw_only=True)
class LatentFailed(NotUsable):
    message = "latent {latent_id} was aborted by its publisher: {problem}"
    latent_id: str
    problem: str


@dataclass(eq=False, kw_only=True)
class IdentityMissing(NotUsable):
    message = "{field} is missing; an identity is never optional"
    field: str


@dataclass(eq=False, kw_only=True)
class IdentityMismatch(NotUsable):
    message = "{field} is {actual}, expected {expected}"
    field: str
    expected: str
    actual: str


@dataclass(eq=False, kw_only=True)
class UnsupportedMethod(NotUsable):
    message = "method {method!r} is not served here"
    method: str


@dataclass(eq=False, kw_only=True)
class UnsupportedModel(NotUsable):
    message = "model {model!r} can't take part: {problem}"
    model: str
    problem: str


@dataclass(eq=False, kw_only=True)
class KeyUnknown(NotUsable):
    message = "the {purpose} key {key_id!r} is not held here"
    purpose: str
    key_id: str


@dataclass(eq=False, kw_only=True)
class SignatureMissing(NotUsable):
    message = "latent {latent_id} is not signed"
    latent_id: str


@dataclass(eq=False, kw_only=True)
class RouteDemoted(NotUsable):
    message = "answers over latents of adapter {adapter} and over texts agree too little"
    adapter: str


# --- the order of things was broken ---------------------------------------------------------


@dataclass(eq=False, kw_only=True)
class Conflict(LatentFlowError):
    """The order of things was broken."""


@dataclass(eq=False, kw_only=True)
class LatentExists(Conflict):
    message = "latent {latent_id} exists with other content"
    latent_id: str


@dataclass(eq=False, kw_only=True)
class LatentClosed(Conflict):
    message = "latent {latent_id} is {state} and takes no more frames"
    latent_id: str
    state: str


@dataclass(eq=False, kw_only=True)
class FrameOutOfOrder(Conflict):
    message = "frame {index} came where {expected} was due"
    index: int
    expected: int


# --- bytes that are not what they claim -----------------------------------------------------


@dataclass(eq=False, kw_only=True)
class Corrupt(LatentFlowError):
    """Bytes that are not what they claim."""


@dataclass(eq=False, kw_only=True)
class FrameCorrupt(Corrupt):
    message = "frame {index} is corrupt: {problem}"
    index: int
    problem: str


@dataclass(eq=False, kw_only=True)
class FrameTooLarge(Corrupt):
    message = "frame {index} has {frame_bytes} bytes, the limit is {limit_bytes}"
    index: int
    frame_bytes: int
    limit_bytes: int


@dataclass(eq=False, kw_only=True)
class StreamMismatch(Corrupt):
    message = "the stream's {field} is {actual}, its commit says {expected}"
    field: str
    expected: str
    actual: str


@dataclass(eq=False, kw_only=True)
class MessageMalformed(Corrupt):
    message = "{field} can't be read: {problem}"
    field: str
    problem: str


@dataclass(eq=False, kw_only=True)
class AdapterCorrupt(Corrupt):
    message = "adapter {path}: {problem}"
    path: str
    problem: str


@dataclass(eq=False, kw_only=True)
class ModelFilesCorrupt(Corrupt):
    message = "model files at {path}: {problem}"
    path: str
    problem: str


@dataclass(eq=False, kw_only=True)
class SealBroken(Corrupt):
    message = "frame {index} was not sealed with this key for this place"
    index: int


@dataclass(eq=False, kw_only=True)
class SignatureInvalid(Corrupt):
    message = "latent {latent_id} is not what the holder of the key {key_id} signed"
    latent_id: str
    key_id: str


# --- not now --------------------------------------------------------------------------------


@dataclass(eq=False, kw_only=True)
class Exhausted(LatentFlowError):
    """A bound was met; the same call may work after `retry_after_seconds`."""

    retry_after_seconds: float


@dataclass(eq=False, kw_only=True)
class QuotaExceeded(Exhausted):
    message = "quota {quota} of {limit} is used up"
    quota: str
    limit: int


@dataclass(eq=False, kw_only=True)
class StoreFull(Exhausted):
    message = "the broker's store is full"


@dataclass(eq=False, kw_only=True)
class Overloaded(Exhausted):
    message = "{resource} is at its limit of {limit}"
    resource: str
    limit: int


@dataclass(eq=False, kw_only=True)
class Unreachable(LatentFlowError):
    """A part the call needs does not answer; it may after `retry_after_seconds`."""

    retry_after_seconds: float


@dataclass(eq=False, kw_only=True)
class BrokerUnavailable(Unreachable):
    message = "the broker can't be reached"


@dataclass(eq=False, kw_only=True)
class StoreUnavailable(Unreachable):
    message = "the broker's store can't be reached"


@dataclass(eq=False, kw_only=True)
class ServiceUnavailable(Unreachable):
    message = "the {service} can't be reached"
    service: str


@dataclass(eq=False, kw_only=True)
class Draining(Unreachable):
    message = "the service is shutting down"


# --- the call ended before its answer -------------------------------------------------------


@dataclass(eq=False, kw_only=True)
class Interrupted(LatentFlowError):
    """The call ended before its answer."""


@dataclass(eq=False, kw_only=True)
class Cancelled(Interrupted):
    message = "the call was cancelled"


@dataclass(eq=False, kw_only=True)
class DeadlineExpired(Interrupted):
    message = "the deadline passed"


@dataclass(eq=False, kw_only=True)
class AccessDenied(Interrupted):
    message = "no credential that allows this call"


@dataclass(eq=False, kw_only=True)
class InternalError(Interrupted):
    message = "internal error"


# --- this machine could not do it; never crosses the wire -----------------------------------


@dataclass(eq=False, kw_only=True)
class Local(LatentFlowError):
    """This machine could not do it; never crosses the wire."""


@dataclass(eq=False, kw_only=True)
class DownloadFailed(Local):
    message = "model {model!r} can't be downloaded: {problem}"
    model: str
    problem: str


@dataclass(eq=False, kw_only=True)
class ProcessFailed(Local):
    """`log` holds the last lines that the process wrote."""

    message = "the {process} {problem}"
    process: str
    problem: str
    log: str = ""


@dataclass(eq=False, kw_only=True)
class StackMissing(Local):
    message = (
        "no {service} answers at {address}: "
        "start `latentflow up`, or give --{service}, and --ca for TLS"
    )
    service: str
    address: str


@dataclass(eq=False, kw_only=True)
class AdminMissing(StackMissing):
    message = (
        "the broker's admin port does not answer at {address}: "
        "start `latentflow up`, or give --{service}, and --ca for TLS"
    )


@dataclass(eq=False, kw_only=True)
class WrongService(Local):
    message = "the server there is no {service}, or one of another version"
    service: str


@dataclass(eq=False, kw_only=True)
class WrongAddress(Local):
    message = "{address} is no {service}, or one of another version"
    service: str
    address: str


@dataclass(eq=False, kw_only=True)
class CallRefused(Local):
    """A port of the broker's, or the token, is for other calls."""

    message = (
        "no credential that allows this call, "
        "or {address} is the other of the broker's two ports (--broker, --admin)"
    )
    address: str


@dataclass(eq=False, kw_only=True)
class TokenMissing(Local):
    message = "no token was given, and the server wants one: set LATENTFLOW_TOKEN or --token-file"


@dataclass(eq=False, kw_only=True)
class StackRunning(Local):
    message = "process {pid} already runs a stack here"
    pid: int


@dataclass(eq=False, kw_only=True)
class ProblemsFound(Local):
    message = "{problems} of {checks} checks found a problem"
    problems: int
    checks: int
