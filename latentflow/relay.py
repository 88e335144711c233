"""The values of the broker's calls: what a publisher, a subscriber and a watcher say and hear.

Stdlib only, of the same rank as `calls`; how they look on the wire is `wire`'s, what they do the
broker's.
"""

from dataclasses import dataclass

from latentflow.errors import EmptyInput, InvalidInput
from latentflow.latent import Commit, Digest, FlowName, Frame, LatentId, LatentInfo

DEFAULT_PAGE_SIZE = 50
MAX_PAGE_SIZE = 500
MAX_NAME_LENGTH = 255
MAX_PROBLEM_LENGTH = 255
# Of a latent that may be published in one message: frames, and bytes of their payload.
MAX_WHOLE_FRAMES = 16
MAX_WHOLE_BYTES = 256 * 1024


def _require(condition: bool, field: str, problem: str) -> None:
    if not condition:
        raise InvalidInput(field=field, problem=problem)


def _require_name(text: str, field: str) -> None:
    if not text:
        raise EmptyInput(field=field)
    plain = text.isascii() and text.isprintable() and len(text) <= MAX_NAME_LENGTH
    _require(plain, field, f"must be at most {MAX_NAME_LENGTH} printable ASCII characters")


# --- a latent's stream, up and down ---------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Open:
    """Opens a latent's stream with its manifest's exact bytes, upwards and downwards alike."""

    manifest_bytes: bytes

    def __post_init__(self) -> None:
        if not self.manifest_bytes:
            raise EmptyInput(field="manifest")


@dataclass(frozen=True, slots=True, kw_only=True)
class Abort:
    """Gives a latent up. `problem` is one line for its readers, without content."""

    problem: str

    def __post_init__(self) -> None:
        short = len(self.problem) <= MAX_PROBLEM_LENGTH and len(self.problem.splitlines()) <= 1
        _require(short, "abort.problem", f"must be one line of {MAX_PROBLEM_LENGTH} characters")


@dataclass(frozen=True, slots=True, kw_only=True)
class Whole:
    """A small latent in one message: its manifest's exact bytes, all its frames, the commit."""

    manifest_bytes: bytes
    frames: tuple[Frame, ...]
    commit: Commit

    def __post_init__(self) -> None:
        if not self.manifest_bytes:
            raise EmptyInput(field="manifest")
        few = len(self.frames) <= MAX_WHOLE_FRAMES
        _require(few, "open.frames", f"must be at most {MAX_WHOLE_FRAMES}")
        small = sum(len(frame.payload) for frame in self.frames) <= MAX_WHOLE_BYTES
        _require(small, "open.frames", f"must be at most {MAX_WHOLE_BYTES} bytes of payload")


PublishStep = Open | Whole | Frame | Commit | Abort
StreamStep = Open | Frame | Commit


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """`acknowledged_frames` is the index to go on with, `credit_bytes` what may be sent."""

    acknowledged_frames: int
    credit_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """Every index below `acknowledged_frames` is durable; `credit_bytes` may follow those."""

    acknowledged_frames: int
    credit_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """The last event of a Publish: the latent is durable and verified."""

    latent: LatentInfo


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenUp:
    """The last event of a Publish that was aborted."""


PublishEvent = Opened | Progress | Stored | GivenUp


@dataclass(frozen=True, slots=True, kw_only=True)
class SubscribeCall:
    """Reads a latent; its frames from index `first_frame` on."""

    latent_id: LatentId
    first_frame: int = 0

    def __post_init__(self) -> None:
        _require(self.first_frame >= 0, "first_frame", "must not be negative")


# --- flows ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchCall:
    """Watches a flow: as member `consumer` of `group`, or for itself when both are empty."""

    flow: FlowName
    group: str = ""
    consumer: str = ""

    def __post_init__(self) -> None:
        if self.group:
            _require_name(self.group, "group")
            _require_name(self.consumer, "consumer")
        _require(bool(self.group) or not self.consumer, "consumer", "must be empty without a group")


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetter:
    """Why a latent is on a dead-letter flow: no member of `group` on `flow` acknowledged it."""

    flow: FlowName
    group: str
    deliveries: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """A committed latent announced to a watcher. `delivery_id` is empty without a group."""

    delivery_id: str
    latent: LatentInfo
    dead_letter: DeadLetter | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AckCall:
    """Acknowledges deliveries of a group."""

    flow: FlowName
    group: str
    delivery_ids: tuple[str, ...]

    def __post_init__(self) -> None:
        _require_name(self.group, "group")
        _require(all(self.delivery_ids), "delivery_ids", "none may be empty")


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupInfo:
    """`lag` announcements were given to no member yet, `pending` are not acknowledged."""

    name: str
    lag: int
    pending: int
    consumers: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowInfo:
    """A flow with its groups; `announced` announcements are kept."""

    name: FlowName
    announced: int
    groups: tuple[GroupInfo, ...] = ()


# --- a latent's life ------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class FindCall:
    """Asks for a committed latent of the same content on the same flow."""

    flow: FlowName
    content_digest: Digest


@dataclass(frozen=True, slots=True, kw_only=True)
class RenewCall:
    """Lets a latent live to `expires_ms`, in Unix milliseconds, unless it lives longer already."""

    latent_id: LatentId
    expires_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class UseCall:
    """Notes that `reader` used a latent for `generation`, both names of the reader's own."""

    latent_id: LatentId
    reader: str
    generation: str

    def __post_init__(self) -> None:
        _require_name(self.reader, "reader")
        _require_name(self.generation, "generation")


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """One use, as the broker noted it at `at_ms`, in Unix milliseconds."""

    reader: str
    generation: str
    at_ms: int

    def __post_init__(self) -> None:
        _require_name(self.reader, "receipt.reader")
        _require_name(self.generation, "receipt.generation")


@dataclass(frozen=True, slots=True, kw_only=True)
class Lineage:
    """Where a latent came from, and who has used it, oldest use first."""

    latent: LatentInfo
    receipts: tuple[Receipt, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspection:
    """What a broker of `version` tells of itself at `at_ms`, Unix milliseconds of its clock.

    `servers` are its store's; `remarks` what is wrong, a sentence each.
    """

    version: str
    at_ms: int
    servers: tuple[str, ...]
    remarks: tuple[str, ...]


# --- lists ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class ListCall:
    """One page of the tenant's latents, newest first; of every flow when `flow` is None."""

    flow: FlowName | None = None
    page_size: int = DEFAULT_PAGE_SIZE
    page_token: str = ""

    def __post_init__(self) -> None:
        allowed = 1 <= self.page_size <= MAX_PAGE_SIZE
        _require(allowed, "page_size", f"must be 1 to {MAX_PAGE_SIZE}")


@dataclass(frozen=True, slots=True, kw_only=True)
class LatentPage:
    """`next_page_token` is empty on the last page."""

    latents: tuple[LatentInfo, ...]
    next_page_token: str = ""
