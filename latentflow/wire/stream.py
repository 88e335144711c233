"""Writes and reads one latent's stream: frames in order, then the commit.

Holds the rule "commit before inject": a reader gives nothing away before the commit matched. Knows
nothing of gRPC, and not what the bytes mean; keys are a `Guard`'s.
"""

from collections.abc import Iterable, Iterator

from latentflow.errors import FrameOutOfOrder, LatentClosed, StreamMismatch
from latentflow.latent import Commit, Frame, LatentState, Manifest, StreamDigest
from latentflow.protection import SealStep
from latentflow.wire.frames import DEFAULT_FRAME_BYTES, check_frame, make_frames, open_frame
from latentflow.wire.guard import WITHOUT_KEYS, Guard
from latentflow.wire.manifests import manifest_from_bytes


class StreamWriter:
    """Iterates over the frames of one stream; when they are all taken, `commit` closes it.

    `chunks` is the packed stream in pieces of any size; `seal` is for a manifest that says sealed.
    Raises as `manifest_from_bytes`.
    """

    def __init__(
        self,
        manifest_bytes: bytes,
        chunks: Iterable[bytes],
        *,
        frame_bytes: int = DEFAULT_FRAME_BYTES,
        seal: SealStep | None = None,
    ) -> None:
        self.manifest = manifest_from_bytes(manifest_bytes)
        level = self.manifest.codec.zstd_level
        self._frames = make_frames(chunks, zstd_level=level, frame_bytes=frame_bytes, seal=seal)
        self._digest = StreamDigest(manifest_bytes)
        self._raw_bytes = 0

    def __iter__(self) -> Iterator[Frame]:
        return self

    def __next__(self) -> Frame:
        frame = next(self._frames)
        self._raw_bytes += frame.raw_bytes
        self._digest.add(frame.payload)
        return frame

    def commit(self) -> Commit:
        """Raises StreamMismatch unless the stream has the size that the manifest promises."""
        _require_same("stream_bytes", self.manifest.stream_bytes, self._raw_bytes)
        return self._digest.commit()


def seal(
    manifest_bytes: bytes, chunks: Iterable[bytes], *, frame_bytes: int = DEFAULT_FRAME_BYTES
) -> tuple[list[Frame], Commit]:
    """All frames of a stream and its commit. Raises as `StreamWriter`."""
    writer = StreamWriter(manifest_bytes, chunks, frame_bytes=frame_bytes)
    return list(writer), writer.commit()


class StreamCheck:
    """Holds the frames of one stream to their order, size and commit, and keeps none of them.

    Without a guard, sealed frames stay so, and are checked from the outside only.
    Raises as `manifest_from_bytes` and `Guard.unseal`.
    """

    def __init__(self, manifest_bytes: bytes, guard: Guard | None = None) -> None:
        self.manifest: Manifest = manifest_from_bytes(manifest_bytes)
        self._manifest_bytes = manifest_bytes
        self._guard = guard
        self._unseal = self._unsealing()
        self._digest = StreamDigest(manifest_bytes)
        self._raw_bytes = 0
        self._frames = 0
        self._finished = False

    @property
    def next_frame(self) -> int:
        """The index due next: where to go on after a lost connection."""
        return self._frames

    def add(self, frame: Frame) -> bytes:
        """The frame unpacked; empty when it stays sealed.

        Raises LatentClosed, FrameOutOfOrder, StreamMismatch, or as `open_frame`.
        """
        self._require_open()
        if frame.index != self._frames:
            raise FrameOutOfOrder(index=frame.index, expected=self._frames)
        self._require_room(frame.raw_bytes)
        raw = self._opened(frame)
        self._digest.add(frame.payload)
        self._raw_bytes += frame.raw_bytes
        self._frames += 1
        return raw

    def finish(self, commit: Commit) -> None:
        """Raises LatentClosed, StreamMismatch naming what differs, or as `Guard.check`."""
        self._require_open()
        _require_same("frames", commit.frames, self._frames)
        read = self._digest.commit()
        _require_same("payload_bytes", commit.payload_bytes, read.payload_bytes)
        _require_same("sha256", commit.sha256, read.sha256)
        _require_same("stream_bytes", self.manifest.stream_bytes, self._raw_bytes)
        if self._guard is not None:
            self._guard.check(self.manifest.latent_id, self._manifest_bytes, commit)
        self._finished = True

    def _unsealing(self) -> SealStep | None:
        if self.manifest.seal is None or self._guard is None:
            return None
        return self._guard.unseal(self.manifest.seal, self._manifest_bytes)

    def _opened(self, frame: Frame) -> bytes:
        if self.manifest.seal is not None and self._unseal is None:
            check_frame(frame)
            return b""
        return open_frame(frame, self._unseal)

    def _require_open(self) -> None:
        if self._finished:
            raise LatentClosed(latent_id=self.manifest.latent_id, state=LatentState.COMMITTED.value)

    def _require_room(self, raw_bytes: int) -> None:
        total = self._raw_bytes + raw_bytes
        if total > self.manifest.stream_bytes:
            _require_same("stream_bytes", self.manifest.stream_bytes, total)


class StreamReader:
    """Takes the frames of one stream in order and gives the stream once its commit matched.

    Buffers at most `manifest.stream_bytes`: a caller with a memory budget checks that first.
    Raises as `manifest_from_bytes` and `Guard.unseal`.
    """

    def __init__(self, manifest_bytes: bytes, guard: Guard = WITHOUT_KEYS) -> None:
        self._check = StreamCheck(manifest_bytes, guard)
        self._stream = bytearray()

    @property
    def manifest(self) -> Manifest:
        return self._check.manifest

    @property
    def next_frame(self) -> int:
        """The index due next: where to go on after a lost connection."""
        return self._check.next_frame

    def add(self, frame: Frame) -> None:
        """Raises as `StreamCheck.add`."""
        self._stream += self._check.add(frame)

    def finish(self, commit: Commit) -> bytes:
        """The unpacked stream. Raises as `StreamCheck.finish`."""
        self._check.finish(commit)
        return bytes(self._stream)


def _require_same(field: str, expected: object, actual: object) -> None:
    if expected != actual:
        raise StreamMismatch(field=field, expected=str(expected), actual=str(actual))
