"""Why a caller that no longer listens has left, as a pure function of its time.

HTTP/2 has one code for a deadline that passed and for a call that was cancelled, and the caller's
own deadline mostly passes first: gRPC tells the server of a later one.
"""

from grpc import StatusCode

# How much longer than its caller a server may believe that a call may take: a time is rounded up
# to two or three digits, so by less than 1 %, and where the connection has sent another one that
# is less than 3 % longer, that is sent instead (gRPC's timeout_encoding.cc, hpack_encoder.cc).
_ADDED_SHARE = 0.04

# What the request may have taken longer on its way here than the news of the end.
_ADDED_SECONDS = 0.03


def code_of_parting(*, asked_seconds: float | None, left_seconds: float | None) -> StatusCode:
    """DEADLINE_EXCEEDED or CANCELLED. Seconds are what the server saw as left when the call began
    and when its caller was gone; None without a deadline.
    """
    if asked_seconds is None or left_seconds is None:
        return StatusCode.CANCELLED
    if left_seconds <= asked_seconds * _ADDED_SHARE + _ADDED_SECONDS:
        return StatusCode.DEADLINE_EXCEEDED
    return StatusCode.CANCELLED
