"""The publisher's side of a latent's stream: what is to be sent, what is sent and not yet durable.

Keeps the credit, the order and the digest; knows nothing of connections, so it outlives them.
"""

import asyncio
from collections import deque
from collections.abc import Callable

from latentflow.errors import FrameOutOfOrder, StreamMismatch
from latentflow.latent import Commit, Frame, LatentInfo, StreamDigest
from latentflow.relay import Abort, Opened, Progress

# Frames taken from their source ahead of being sent; each holds at most MAX_FRAME_BYTES.
MAX_WAITING_FRAMES = 4


class Outbox:
    """Filled by one task (`put`, `close`, `give_up`), emptied by another (`next_step`)."""

    def __init__(self, manifest_bytes: bytes) -> None:
        self.acknowledged_frames = 0
        self._digest = StreamDigest(manifest_bytes)
        self._taken = 0
        self._waiting: deque[Frame] = deque()
        self._sent: deque[Frame] = deque()
        self._last_step: Commit | Abort | None = None
        self._is_open = False
        self._credit_bytes = 0
        self._changed = asyncio.Event()

    @property
    def unacknowledged_bytes(self) -> int:
        return sum(len(frame.payload) for frame in self._sent)

    # --- the frames' source -----------------------------------------------------------------

    async def put(self, frame: Frame) -> None:
        """Waits for room. Raises FrameOutOfOrder unless indices go 0, 1, 2 and on."""
        if frame.index != self._taken:
            raise FrameOutOfOrder(index=frame.index, expected=self._taken)
        await self._until(lambda: len(self._waiting) < MAX_WAITING_FRAMES)
        self._taken += 1
        self._digest.add(frame.payload)
        if frame.index >= self.acknowledged_frames:
            self._waiting.append(frame)
        self._changed.set()

    def close(self) -> None:
        """No more frames: the commit follows. Raises InvalidInput when there was none."""
        self._last_step = self._digest.commit()
        self._changed.set()

    def give_up(self, problem: str) -> None:
        """Nothing but an abort is sent any more."""
        self._waiting.clear()
        self._sent.clear()
        self._last_step = Abort(problem=problem)
        self._changed.set()

    # --- the connection ---------------------------------------------------------------------

    def disconnected(self) -> None:
        """Nothing is sent until the stream is opened again; what was not acknowledged waits."""
        self._is_open = False
        self._waiting.extendleft(reversed(self._sent))
        self._sent.clear()

    def opened(self, event: Opened) -> None:
        """Raises FrameOutOfOrder when the broker asks for a frame it had acknowledged before."""
        if event.acknowledged_frames < self.acknowledged_frames:
            raise FrameOutOfOrder(
                index=self.acknowledged_frames, expected=event.acknowledged_frames
            )
        self._is_open = True
        self._acknowledge(event)

    def progressed(self, event: Progress) -> None:
        self._acknowledge(event)

    def require_stored(self, latent: LatentInfo) -> None:
        """Raises StreamMismatch unless what the broker says it stored is what was sent."""
        if latent.commit != self._last_step:
            raise StreamMismatch(
                field="commit", expected=str(self._last_step), actual=str(latent.commit)
            )

    async def next_step(self) -> Frame | Commit | Abort:
        """Waits until something may be sent: a frame within the credit, else the last step."""
        await self._until(self._may_send)
        if self._waiting:
            frame = self._waiting.popleft()
            self._sent.append(frame)
            self._changed.set()
            return frame
        assert self._last_step is not None
        return self._last_step

    def _may_send(self) -> bool:
        if not self._is_open:
            return False
        if self._waiting:
            next_bytes = len(self._waiting[0].payload)
            return self.unacknowledged_bytes + next_bytes <= self._credit_bytes
        return self._last_step is not None

    def _acknowledge(self, event: Opened | Progress) -> None:
        self.acknowledged_frames = max(self.acknowledged_frames, event.acknowledged_frames)
        self._credit_bytes = event.credit_bytes
        for frames in (self._sent, self._waiting):
            while frames and frames[0].index < self.acknowledged_frames:
                frames.popleft()
        self._changed.set()

    async def _until(self, ready: Callable[[], bool]) -> None:
        while not ready():
            self._changed.clear()
            await self._changed.wait()
