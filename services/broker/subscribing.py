"""Subscribe: replays a latent's stream, then follows it live until its commit or its end.

No thread watches leases or expiries: whoever waits for a latent looks at the clock, and who finds
an upload stopped closes it for everybody. A reader that is slow keeps the frames it began with in
the store, and at most READ_AHEAD_BYTES of them here: the next are read when it has taken those.
"""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import suppress
from dataclasses import dataclass

from latentflow.errors import LatentIncomplete, StoreUnavailable
from latentflow.latent import Commit, LatentState
from latentflow.relay import Open
from services.broker.lifecycle import (
    READING_MS,
    is_abandoned,
    next_look_ms,
    require_readable,
)
from services.broker.metrics import BrokerMetrics
from services.broker.record import ClockMs, LatentRecord, LatentRef, StoredFrame, StreamEntry
from services.broker.store import READ_ENTRIES, LatentStore

# Four frames as our sharers make them, also when zstd can't make them smaller; one of the largest.
READ_AHEAD_BYTES = 300 * 1024


class Subscribing:
    """A reader judges a latent anew after `longest_wait_ms` without news, at the latest."""

    def __init__(
        self,
        *,
        latents: LatentStore,
        clock_ms: ClockMs,
        longest_wait_ms: int,
        metrics: BrokerMetrics,
    ) -> None:
        self._latents = latents
        self._clock_ms = clock_ms
        self._longest_wait_ms = longest_wait_ms
        self._metrics = metrics

    async def subscribe(
        self, ref: LatentRef, first_frame: int
    ) -> AsyncGenerator[Open | StreamEntry, None]:
        """The manifest, the frames from `first_frame` on, the commit.

        Raises UnknownLatent, LatentExpired, LatentRevoked, LatentFailed or LatentIncomplete.
        """
        ahead = _ReadingAhead()
        record, entries = await self._latents.look(
            ref, first_frame=first_frame, most_entries=ahead.most_entries
        )
        entries = ahead.within(entries)
        record = await self._judged(record)
        keeping = asyncio.create_task(self._keep(record))
        try:
            self._metrics.sent(len(record.opening.manifest))
            yield Open(manifest_bytes=record.opening.manifest)
            following = self._entries(record, ahead, entries, first_frame)
            del entries  # else a reader that does not read would hold these and later ones
            async for entry in following:
                yield entry
        finally:
            keeping.cancel()
            await asyncio.gather(keeping, return_exceptions=True)

    async def _keep(self, record: LatentRecord) -> None:
        """Keeps the frames beyond the latent's life, as long as somebody is reading them."""
        needed_from_ms = record.opening.expires_ms - READING_MS // 2
        await asyncio.sleep(max(0, needed_from_ms - self._clock_ms()) / 1000)
        while True:
            with suppress(StoreUnavailable):
                await self._latents.hold(record.ref, until_ms=self._clock_ms() + READING_MS)
            await asyncio.sleep(READING_MS / 2000)

    async def _entries(
        self,
        record: LatentRecord,
        ahead: "_ReadingAhead",
        entries: Sequence[StreamEntry],
        next_frame: int,
    ) -> AsyncGenerator[StreamEntry, None]:
        """`entries` come first, which were read with the record."""
        while True:
            self._metrics.sent(_payload_bytes(entries))
            for entry in entries:
                yield entry
                if isinstance(entry, Commit):
                    return
                next_frame = entry.index + 1
            wait_ms = next_look_ms(record, self._clock_ms(), self._longest_wait_ms)
            entries = ahead.within(
                await self._latents.read(
                    record.ref,
                    first_frame=next_frame,
                    wait_ms=wait_ms,
                    most_entries=ahead.most_entries,
                )
            )
            if not entries:
                record = await self._look_again(record, next_frame)

    async def _look_again(self, record: LatentRecord, next_frame: int) -> LatentRecord:
        later = await self._judged(await self._latents.find(record.ref))
        if record.state is LatentState.COMMITTED:
            # It was complete before the read that found nothing: the store has lost its frames.
            raise LatentIncomplete(latent_id=record.ref.latent_id, frames=next_frame)
        return later

    async def _judged(self, record: LatentRecord) -> LatentRecord:
        if is_abandoned(record, self._clock_ms()):
            await self._latents.abandon(record)
            self._metrics.abandoned()
            record = await self._latents.find(record.ref)
        require_readable(record, self._clock_ms())
        return record


@dataclass(slots=True)
class _ReadingAhead:
    """What is left out is read again. So a reader asks for fewer from then on, and leaves out less
    than READ_ENTRIES in all.
    """

    most_entries: int = READ_ENTRIES

    def within(self, entries: Sequence[StreamEntry]) -> Sequence[StreamEntry]:
        """The first of them, of READ_AHEAD_BYTES together, or one."""
        within = len(entries)
        while within > 1 and _payload_bytes(entries[:within]) > READ_AHEAD_BYTES:
            within -= 1
        if within < len(entries):
            self.most_entries = within
        return entries[:within]


def _payload_bytes(entries: Sequence[StreamEntry]) -> int:
    return sum(entry.payload_bytes for entry in entries if isinstance(entry, StoredFrame))
