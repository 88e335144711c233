"""Converts times: Unix milliseconds here, protobuf's Timestamp on the wire."""

from google.protobuf.timestamp_pb2 import Timestamp

from latentflow.errors import EmptyInput, InvalidInput

_NANOS_A_MS = 1_000_000
_LAST_MS = 253_402_300_799_999  # the last of the year 9999, protobuf's end of time


def time_to_proto(unix_ms: int, field: str) -> Timestamp:
    """Raises InvalidInput for a time that Timestamp has not."""
    _require_known(unix_ms, field)
    return Timestamp(seconds=unix_ms // 1000, nanos=unix_ms % 1000 * _NANOS_A_MS)


def time_from_proto(time: Timestamp, field: str) -> int:
    """Unix milliseconds. Raises EmptyInput, InvalidInput.

    Anything finer is refused, as dropping it would change what was said.
    """
    if not time.ByteSize():
        raise EmptyInput(field=field)
    if time.nanos % _NANOS_A_MS or not 0 <= time.nanos < 1000 * _NANOS_A_MS:
        raise InvalidInput(field=field, problem="must be in whole milliseconds")
    unix_ms = time.seconds * 1000 + time.nanos // _NANOS_A_MS
    _require_known(unix_ms, field)
    return unix_ms


def _require_known(unix_ms: int, field: str) -> None:
    if not 0 < unix_ms <= _LAST_MS:
        raise InvalidInput(field=field, problem="must be after 1970 and before the year 10000")
