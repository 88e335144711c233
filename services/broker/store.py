"""What the broker asks of a store: three ports, each with a Redis and an in-memory implementation.

Every method is atomic, and safe to repeat after a failure. All raise StoreUnavailable when the
store does not answer; those that write raise StoreFull when it takes no more. Neither loses what
was acknowledged.
"""

from collections.abc import Sequence
from typing import Protocol

from latentflow.latent import Commit, LatentId, Tenant
from latentflow.relay import DeadLetter, FlowInfo, Receipt, UseCall
from services.broker.record import (
    Announcement,
    Charge,
    Claimed,
    ContentRef,
    DeliveryId,
    FlowRef,
    Glance,
    GroupMember,
    LatentRecord,
    LatentRef,
    Listing,
    Opening,
    Page,
    StoredFrame,
    StoredStream,
    StoreReport,
    StreamEntry,
    TenantLimits,
)

# As many frames of the usual 64 KiB as a reader may hold (`subscribing`).
READ_ENTRIES = 4


class LatentStore(Protocol):
    """Keeps latents and their frames."""

    async def open(self, ref: LatentRef, opening: Opening, *, now_ms: int) -> LatentRecord:
        """Makes the latent, or finds it and renews its lease; also lists it.

        Raises LatentExists, LatentClosed or LatentExpired.
        """

    async def store(
        self, ref: LatentRef, opening: Opening, stream: StoredStream, *, now_ms: int
    ) -> LatentRecord | None:
        """Makes the latent with its whole stream, committed; also lists it.

        None, and nothing is done, when it is there already or over the limit for one.
        """

    async def append(self, ref: LatentRef, frames: Sequence[StoredFrame], *, now_ms: int) -> None:
        """Stores frames in order, passes over those stored already, and renews the lease.

        Stops at the first that it refuses. Raises UnknownLatent, LatentClosed, LatentExpired,
        LatentExists, FrameOutOfOrder or QuotaExceeded.
        """

    async def commit(self, ref: LatentRef, commit: Commit, *, now_ms: int) -> LatentRecord:
        """Closes the latent if the counts are those stored; the digest is the caller's to check.

        Raises UnknownLatent, LatentClosed, LatentExpired, LatentIncomplete or StreamMismatch.
        """

    async def abort(self, ref: LatentRef, problem: str, *, now_ms: int) -> None:
        """Closes an open latent as failed, frees its frames and tells its readers.

        Raises UnknownLatent, LatentClosed or LatentExpired.
        """

    async def abandon(self, record: LatentRecord) -> None:
        """Closes a latent as abandoned, unless its publisher went on since `record` was read."""

    async def revoke(self, ref: LatentRef) -> None:
        """Withdraws a latent in whatever state, frees its frames and tells its readers.

        Raises UnknownLatent.
        """

    async def find(self, ref: LatentRef) -> LatentRecord:
        """Raises UnknownLatent."""

    async def look(
        self, ref: LatentRef, *, first_frame: int, most_entries: int = READ_ENTRIES
    ) -> Glance:
        """The record, and behind it what `read` gives at once. Raises UnknownLatent."""

    async def read(
        self,
        ref: LatentRef,
        *,
        first_frame: int,
        wait_ms: int,
        most_entries: int = READ_ENTRIES,
    ) -> Sequence[StreamEntry]:
        """1 to `most_entries` from `first_frame` on, in order; waits up to `wait_ms` for the first.

        The last of all is the Commit. Empty when none came, or when there will be none: the record
        says which.
        """

    async def page(self, listing: Listing, *, now_ms: int) -> Page:
        """The tenant's latents that have not expired, newest first; forgets the others.

        A page may be shorter than asked for. Raises InvalidInput when `after` is no token.
        """

    async def hold(self, ref: LatentRef, *, until_ms: int) -> None:
        """Keeps a latent's frames at least that long, for a reader that is at it."""

    async def renew(self, ref: LatentRef, *, expires_ms: int, now_ms: int) -> LatentRecord:
        """Lets a committed latent live on; otherwise, and when it lives longer, changes nothing.

        Raises UnknownLatent.
        """

    async def note(self, call: UseCall, tenant: Tenant, *, now_ms: int) -> None:
        """Notes a use, once; MAX_RECEIPTS are kept. Raises UnknownLatent, LatentRevoked."""

    async def receipts(self, ref: LatentRef) -> Sequence[Receipt]:
        """Every use noted, oldest first; none of a latent that is unknown."""

    async def remember(self, content: ContentRef, latent_id: LatentId, *, until_ms: int) -> None:
        """Makes the latent the one that `recall` gives for its content."""

    async def recall(self, content: ContentRef) -> LatentId | None:
        """The latent that was last remembered for a content; what became of it is not looked at."""

    async def inspect(self, *, now_ms: int) -> StoreReport:
        """Answers when the store works; remarks on settings that break a promise of the broker."""


class QuotaStore(Protocol):
    """Counts what each tenant has."""

    async def charge(
        self, ref: LatentRef, charge: Charge, limits: TenantLimits | None = None, *, now_ms: int
    ) -> None:
        """Replaces what the latent counted for. 0 bytes: it counts for nothing any more.

        Without limits, what counts for nothing stays so: it was released meanwhile. With limits,
        raises QuotaExceeded naming the one that is reached; a latent whose upload was not open also
        counts as a publish.
        """


class FlowStore(Protocol):
    """Keeps the announcements of flows, and who has had which. A member joins before it reads."""

    async def announce(
        self, flow: FlowRef, latent_id: LatentId, letter: DeadLetter | None = None
    ) -> None:
        """Adds a latent to the flow, on a dead-letter flow with its letter.

        A repeated call may add it again.
        """

    async def newest(self, flow: FlowRef) -> DeliveryId:
        """Where a watcher without a group begins: behind everything announced so far."""

    async def follow(
        self, flow: FlowRef, *, after: DeliveryId, wait_ms: int
    ) -> Sequence[Announcement]:
        """Some announcements behind `after`, for any watcher; waits up to `wait_ms` for one."""

    async def join(self, member: GroupMember) -> None:
        """Makes the group unless it is there; a new one begins with the oldest announcement."""

    async def pending(
        self, member: GroupMember, *, after: DeliveryId, most_deliveries: int
    ) -> Sequence[Announcement]:
        """Gives this member again some of what it has not acknowledged, behind `after`.

        Not what was given `most_deliveries` times: that stays as it is.
        """

    async def claim(self, member: GroupMember, *, idle_ms: int, most_deliveries: int) -> Claimed:
        """Gives this member some of what any of its group left unacknowledged for `idle_ms`.

        Not what was given `most_deliveries` times: that stays its consumer's, idle from now on, so
        that only who asked now moves it, and another does when that one died.
        """

    async def receive(self, member: GroupMember, *, wait_ms: int) -> Sequence[Announcement]:
        """Announcements no member was given yet; waits up to `wait_ms` for one."""

    async def acknowledge(
        self, flow: FlowRef, group: str, delivery_ids: Sequence[DeliveryId]
    ) -> int:
        """Deliveries that were pending until now. Raises UnknownFlow."""

    async def survey(self, tenant: Tenant) -> Sequence[FlowInfo]:
        """The tenant's flows by name: those announced on or joined, until they are gone."""
