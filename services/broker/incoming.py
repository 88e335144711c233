"""What a publisher sends, checked and as it is stored. No effect happens here."""

from collections.abc import Sequence

from latentflow.errors import FrameOutOfOrder
from latentflow.latent import Frame, StreamDigest
from latentflow.relay import Whole
from latentflow.wire.frames import check_frame
from latentflow.wire.relay import frame_to_bytes
from services.broker.admission import require_same_commit
from services.broker.record import Opening, StoredFrame, StoredStream


def require_in_order(frames: Sequence[Frame], *, due: int) -> None:
    """Sound frames from `due` on; some below it may come again.

    Raises FrameCorrupt, FrameTooLarge or FrameOutOfOrder.
    """
    for frame in frames:
        check_frame(frame)
        if frame.index > due:
            raise FrameOutOfOrder(index=frame.index, expected=due)
        due = max(due, frame.index + 1)


def to_store(frame: Frame) -> StoredFrame:
    return StoredFrame(
        index=frame.index, payload_bytes=len(frame.payload), encoded=frame_to_bytes(frame)
    )


def stream_to_store(opening: Opening, whole: Whole) -> StoredStream:
    """Raises FrameCorrupt, FrameTooLarge, FrameOutOfOrder or StreamMismatch."""
    digest = StreamDigest(opening.manifest)
    for due, frame in enumerate(whole.frames):
        check_frame(frame)
        if frame.index != due:
            raise FrameOutOfOrder(index=frame.index, expected=due)
        digest.add(frame.payload)
    require_same_commit(digest.commit(), whole.commit)
    return StoredStream(frames=[to_store(frame) for frame in whole.frames], commit=whole.commit)
