"""What a store keeps of a latent, as values: where it is, how it was opened, what became of it.

Knows no store, no protobuf and no clock; what follows from a record at a moment is `lifecycle`'s.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple, NewType

from latentflow.errors import InvalidInput
from latentflow.latent import Commit, Digest, FlowName, LatentId, LatentState, Tenant
from latentflow.relay import DeadLetter, UseCall

ClockMs = Callable[[], int]
"""Unix milliseconds now."""

DeliveryId = NewType("DeliveryId", str)

_DELIVERY_ID = re.compile(r"[0-9]{1,19}-[0-9]{1,19}")


def parse_delivery_id(text: str) -> DeliveryId:
    """Raises InvalidInput unless `text` can be one."""
    if not _DELIVERY_ID.fullmatch(text):
        raise InvalidInput(field="delivery_ids", problem="must come from a watch")
    return DeliveryId(text)


@dataclass(frozen=True, slots=True, kw_only=True)
class LatentRef:
    """A latent's place: ids of two tenants may be equal, their latents never meet."""

    tenant: Tenant
    latent_id: LatentId


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowRef:
    tenant: Tenant
    flow: FlowName


@dataclass(frozen=True, slots=True, kw_only=True)
class ContentRef:
    """The content of latents on one flow: equal contents make equal latents."""

    tenant: Tenant
    flow: FlowName
    content_digest: Digest


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadLimits:
    """What an upload may cost: silence between two steps, and payload bytes in all."""

    lease_ms: int
    latent_bytes: int

    def __post_init__(self) -> None:
        for field in ("lease_ms", "latent_bytes"):
            if getattr(self, field) < 1:
                raise InvalidInput(field=field, problem="must be at least 1")


@dataclass(frozen=True, slots=True, kw_only=True)
class TenantLimits:
    """What a tenant may have. A second's worth of publishes may come at once."""

    stored_bytes: int
    open_uploads: int
    publishes_per_second: float

    def __post_init__(self) -> None:
        for field in ("stored_bytes", "open_uploads", "publishes_per_second"):
            if not getattr(self, field) > 0:
                raise InvalidInput(field=field, problem="must be above 0")


@dataclass(frozen=True, slots=True, kw_only=True)
class Charge:
    """What a latent counts for with its tenant, unless it lapses at `until_ms`."""

    stored_bytes: int
    until_ms: int
    is_open: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreReport:
    """The store's `servers`, and what is wrong with them: a sentence each, with its remedy.

    Memory is that of the fullest one, which refuses writes first; `limit_bytes` 0 is no limit.
    """

    servers: tuple[str, ...]
    remarks: tuple[str, ...] = ()
    used_bytes: int = 0
    limit_bytes: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """The first step of an upload. `manifest` is the exact bytes that were sent."""

    manifest: bytes
    flow: FlowName
    created_ms: int
    expires_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredFrame:
    """A frame as it is stored and relayed: `encoded` is the whole serialised message."""

    index: int
    payload_bytes: int
    encoded: bytes


StreamEntry = StoredFrame | Commit


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredStream:
    """All frames of a latent and the commit that closes them, checked against each other."""

    frames: Sequence[StoredFrame]
    commit: Commit


@dataclass(frozen=True, slots=True, kw_only=True)
class LatentRecord:
    """A latent as its store knows it.

    `lease_until_ms` is when an upload without further steps counts as abandoned. `problem` is what
    the publisher said when it aborted; an aborted latent without one was abandoned.
    """

    ref: LatentRef
    opening: Opening
    lease_until_ms: int
    state: LatentState = LatentState.OPEN
    frames: int = 0
    payload_bytes: int = 0
    commit: Commit | None = None
    problem: str | None = None

    @property
    def flow(self) -> FlowRef:
        return FlowRef(tenant=self.ref.tenant, flow=self.opening.flow)


class Glance(NamedTuple):
    """A latent, and some entries of its stream that were there just behind."""

    record: LatentRecord
    entries: Sequence[StreamEntry]


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """One page of a tenant's latents, of one flow or (None) all. `after` is empty or a token."""

    tenant: Tenant
    flow: FlowName | None
    page_size: int
    after: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Newest first. `next_token` is empty on the last page."""

    records: tuple[LatentRecord, ...]
    next_token: str


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupMember:
    """One consumer of one group on one flow."""

    flow: FlowRef
    group: str
    consumer: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Announcement:
    """A latent on a flow. Ids sort in the order of announcing and are what to acknowledge."""

    delivery_id: DeliveryId
    latent_id: LatentId
    dead_letter: DeadLetter | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Exhausted:
    """A delivery that may be given no more. `consumer` had it last, and that for `idle_ms`."""

    announcement: Announcement
    consumer: str
    deliveries: int
    idle_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Claimed:
    """What was idle in a group: given to the member that asked, or given too often already."""

    given: Sequence[Announcement] = ()
    exhausted: Sequence[Exhausted] = ()


BETWEEN_NAMES = "\n"  # in no reader's and no generation's name


def use_of(call: UseCall) -> str:
    """One use among a latent's: the same reader's for the same generation is the same."""
    return f"{call.reader}{BETWEEN_NAMES}{call.generation}"
