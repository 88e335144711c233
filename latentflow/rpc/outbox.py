"""The publisher's side of a latent's stream: what is to be sent, what is sent and not yet durable.

Keeps the credit, the order and the digest; knows nothing of connections, so it outlives them. Holds
every frame until the latent is stored: a store that failed over may have lost what it acknowledged.
"""

import asyncio
from collections.abc import Callable

from latentflow.errors import FrameOutOfOrder, StreamMismatch
from latentflow.latent import Commit, Frame, LatentInfo, StreamDigest
from latentflow.relay import MAX_WHOLE_BYTES, MAX_WHOLE_FRAMES, Abort, Open, Opened, Progress, Whole

# Frames taken from their source ahead of being sent, enough to see whether a latent is small.
MAX_WAITING_FRAMES = MAX_WHOLE_FRAMES

Sign = Callable[[Commit], Commit]
"""The commit with the publisher's signature."""


def unsigned(commit: Commit) -> Commit:
    return commit


class Outbox:
    """Filled by one task (`put`, `close`, `give_up`), emptied by another (`next_step`).

    `has_advanced` says whether more became durable on this connection.
    """

    def __init__(self, manifest_bytes: bytes, sign: Sign = unsigned) -> None:
        self.acknowledged_frames = 0
        self.has_advanced = False
        self._manifest_bytes = manifest_bytes
        self._digest = StreamDigest(manifest_bytes)
        self._sign = sign
        self._frames: list[Frame] = []
        self._next_frame = 0
        self._last_step: Commit | Abort | None = None
        self._is_open = False
        self._credit_bytes = 0
        self._changed = asyncio.Event()

    @property
    def unacknowledged_bytes(self) -> int:
        sent = self._frames[self.acknowledged_frames : self._next_frame]
        return sum(len(frame.payload) for frame in sent)

    # --- the frames' source -----------------------------------------------------------------

    async def put(self, frame: Frame) -> None:
        """Waits for room. Raises FrameOutOfOrder unless indices go 0, 1, 2 and on."""
        if frame.index != len(self._frames):
            raise FrameOutOfOrder(index=frame.index, expected=len(self._frames))
        await self._until(lambda: len(self._frames) - self._next_frame < MAX_WAITING_FRAMES)
        self._digest.add(frame.payload)
        self._frames.append(frame)
        self._changed.set()

    def close(self) -> None:
        """No more frames: the commit follows. Raises InvalidInput when there was none."""
        self._last_step = self._sign(self._digest.commit())
        self._changed.set()

    def give_up(self, problem: str) -> None:
        """Nothing but an abort is sent any more."""
        self._last_step = Abort(problem=problem)
        self._changed.set()

    # --- the connection ---------------------------------------------------------------------

    def first_step(self) -> Open | Whole:
        """Of each connection. The whole latent, if it is there, small, and not begun otherwise.

        Nothing else is sent until the broker has opened the latent.
        """
        self._is_open = False
        self.has_advanced = False
        commit = self._last_step
        if not isinstance(commit, Commit) or self.acknowledged_frames or not _is_small(commit):
            return Open(manifest_bytes=self._manifest_bytes)
        return Whole(manifest_bytes=self._manifest_bytes, frames=tuple(self._frames), commit=commit)

    def opened(self, event: Opened) -> None:
        """Goes on behind what is durable, which is less than before when the store lost some."""
        self._is_open = True
        self.has_advanced = event.acknowledged_frames > self.acknowledged_frames
        self._next_frame = event.acknowledged_frames
        self.acknowledged_frames = event.acknowledged_frames
        self._credit_bytes = event.credit_bytes
        self._changed.set()

    def progressed(self, event: Progress) -> None:
        self.has_advanced |= event.acknowledged_frames > self.acknowledged_frames
        self.acknowledged_frames = max(self.acknowledged_frames, event.acknowledged_frames)
        self._credit_bytes = event.credit_bytes
        self._changed.set()

    def stored(self, latent: LatentInfo) -> None:
        """Raises StreamMismatch unless what the broker says it stored is what was sent."""
        if latent.commit != self._last_step:
            raise StreamMismatch(
                field="commit", expected=str(self._last_step), actual=str(latent.commit)
            )
        self.acknowledged_frames = latent.frames

    async def next_step(self) -> Frame | Commit | Abort:
        """Waits until something may be sent: a frame within the credit, else the last step."""
        await self._until(lambda: self._is_open and self._has_step())
        if isinstance(self._last_step, Abort) or self._next_frame >= len(self._frames):
            assert self._last_step is not None
            return self._last_step
        frame = self._frames[self._next_frame]
        self._next_frame += 1
        self._changed.set()
        return frame

    def _has_step(self) -> bool:
        if isinstance(self._last_step, Abort) or self._next_frame >= len(self._frames):
            return self._last_step is not None
        next_bytes = len(self._frames[self._next_frame].payload)
        return self.unacknowledged_bytes + next_bytes <= self._credit_bytes

    async def _until(self, ready: Callable[[], bool]) -> None:
        while not ready():
            self._changed.clear()
            await self._changed.wait()


def _is_small(commit: Commit) -> bool:
    return commit.frames <= MAX_WHOLE_FRAMES and commit.payload_bytes <= MAX_WHOLE_BYTES
