"""One latent as a file: a line that says so, then each step as the broker relays it, length first.

The steps are length-delimited SubscribeResponse messages: manifest, frames, commit, and nothing
behind it. A latent has exactly one such file; every other spelling is refused. Knows no paths.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO

from google.protobuf.message import DecodeError

from latentflow.errors import MessageMalformed
from latentflow.latent import MAX_FRAME_BYTES, Commit, Frame
from latentflow.relay import Open, StreamStep
from latentflow.v1 import broker_pb2
from latentflow.wire.audit import Audit, Audited
from latentflow.wire.subscribe import stream_step_from_proto, stream_step_to_proto
from latentflow.wire.varint import varint

VERSION = 1

_HEADER = b"latentflow latent %d\n" % VERSION
_ANY_HEADER = re.compile(rb"latentflow latent ([0-9]{1,9})\n")
_MAX_HEADER_BYTES = 32
# A whole frame and its numbers; a manifest is smaller.
_MAX_STEP_BYTES = MAX_FRAME_BYTES + 1024
_LENGTH_SHIFTS = (0, 7, 14)


@dataclass(frozen=True, slots=True, kw_only=True)
class Exported:
    """A latent out of a file: as it was relayed, and found to be right."""

    audited: Audited
    manifest_bytes: bytes
    frames: tuple[Frame, ...]


class ExportWriter:
    """Writes one latent's steps to `file` as they come, each checked before it is written."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._audit = Audit()
        file.write(_HEADER)

    def hear(self, step: StreamStep) -> None:
        """Raises as `Audit.hear`."""
        self._audit.hear(step)
        encoded = _encoded(step)
        self._file.write(varint(len(encoded)) + encoded)

    def verdict(self) -> Audited:
        """Raises MessageMalformed unless the latent is whole."""
        return self._audit.verdict()


def read_export(file: IO[bytes]) -> Exported:
    """The latent of a whole file, in as much memory as the file has bytes.

    Raises MessageMalformed naming `export` when it is none, of another version, cut short, or
    spelled differently; otherwise as `Audit`.
    """
    audit, openings, frames = Audit(), [], []
    for step in _steps(file):
        audit.hear(step)
        match step:
            case Open():
                openings.append(step.manifest_bytes)
            case Frame():
                frames.append(step)
    return Exported(audited=audit.verdict(), manifest_bytes=openings[0], frames=tuple(frames))


def _steps(file: IO[bytes]) -> Iterator[StreamStep]:
    """Up to the commit, behind which the file must end."""
    _require_header(file)
    step: StreamStep | None = None
    while not isinstance(step, Commit):
        step = _step(_exactly(file, _length(file)))
        yield step
    if file.read(1):
        raise _malformed("goes on behind its commit")


def _require_header(file: IO[bytes]) -> None:
    line = file.readline(_MAX_HEADER_BYTES)
    if line == _HEADER:
        return
    if other := _ANY_HEADER.fullmatch(line):
        raise _malformed(f"is of version {other[1].decode()}, not {VERSION}")
    raise _malformed("is not a latent's file")


def _length(file: IO[bytes]) -> int:
    """A varint in its shortest spelling."""
    length = 0
    for shift in _LENGTH_SHIFTS:
        (group,) = _exactly(file, 1)
        length |= (group & 127) << shift
        if shift and not group:
            raise _malformed("spells a length in another way")
        if group < 128:
            break
    if group > 127 or length > _MAX_STEP_BYTES:
        raise _malformed(f"holds a step over {_MAX_STEP_BYTES} bytes")
    return length


def _exactly(file: IO[bytes], size: int) -> bytes:
    data = file.read(size)
    if len(data) != size:
        raise _malformed("is cut short")
    return data


def _step(encoded: bytes) -> StreamStep:
    try:
        step = stream_step_from_proto(broker_pb2.SubscribeResponse.FromString(encoded))
    except DecodeError as error:
        raise _malformed("holds something else than a step") from error
    if _encoded(step) != encoded:
        raise _malformed("spells a step in another way")
    return step


def _encoded(step: StreamStep) -> bytes:
    return stream_step_to_proto(step).SerializeToString(deterministic=True)


def _malformed(problem: str) -> MessageMalformed:
    return MessageMalformed(field="export", problem=f"it {problem}")
