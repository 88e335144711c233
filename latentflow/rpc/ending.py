"""Remembers how a call with a stream of requests really ended.

grpc.aio overwrites the peer's status with a bare INTERNAL when a write fails behind it
(https://github.com/grpc/grpc/issues/36066). Without that bug this file could go.
"""

from collections.abc import Coroutine
from typing import Any, TypeVar

import grpc

_MASK = "Internal error from Core"

Value = TypeVar("Value")
Call = grpc.aio.StreamStreamCall[Any, Any] | grpc.aio.StreamUnaryCall[Any, Any]


class Ending:
    """Watches one call from its start."""

    def __init__(self, call: Call) -> None:
        self._error: grpc.aio.AioRpcError | None = None
        call.add_done_callback(self._note)

    def behind(self, error: grpc.aio.AioRpcError) -> grpc.aio.AioRpcError:
        """The error that the peer sent; UNAVAILABLE when nothing came but the failed write."""
        if error.details() != _MASK:
            return error
        lost = grpc.aio.AioRpcError(grpc.StatusCode.UNAVAILABLE, details="the connection is lost")
        return self._error or lost

    def _note(self, call: Call) -> None:
        error = _result(_error_of(call))
        if error.code() is not grpc.StatusCode.OK and error.details() != _MASK:
            self._error = error


async def _error_of(call: Call) -> grpc.aio.AioRpcError:
    return grpc.aio.AioRpcError(
        await call.code(),
        grpc.aio.Metadata(),
        await call.trailing_metadata(),
        details=await call.details(),
    )


def _result(coroutine: Coroutine[Any, Any, Value]) -> Value:
    """What `coroutine` returns, when it has nothing left to wait for, as for a call that is done.

    The next turn of the event loop would be too late to read the status.
    """
    try:
        coroutine.send(None)
    except StopIteration as stop:
        value: Value = stop.value
        return value
    coroutine.close()
    raise AssertionError("the call is not done")
