"""Turns an error into a google.rpc.Status and back into the same class with the same fields.

Which class is which status says `facts`; this file knows neither servers nor clients.
"""

from collections.abc import Callable, Mapping
from dataclasses import fields
from typing import get_type_hints

import grpc
from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import DecodeError, Message
from google.rpc.error_details_pb2 import BadRequest, ErrorInfo, QuotaFailure, RetryInfo
from google.rpc.status_pb2 import Status
from grpc import StatusCode

from latentflow import errors
from latentflow.errors import LatentFlowError, Unreachable
from latentflow.rpc.facts import class_of, fact_of, public, reason_of

DOMAIN = "latentflow"
DETAILS_KEY = "grpc-status-details-bin"
RETRY_AFTER_SECONDS = 1.0

# Trailers hold about 8 KB, and a message travels twice, once percent-encoded.
MAX_FIELD_BYTES = 256
MAX_MESSAGE_BYTES = 512

_RETRY_FIELD = "retry_after_seconds"

# What gRPC itself says of a message, with the code of a throttle.
_TOO_LARGE = "larger than max"


# --- error to status ------------------------------------------------------------------------


def status_of(error: LatentFlowError) -> Status:
    """The status with its details: ErrorInfo always, the others where errors.proto says so."""
    error = public(error)
    shown = _shown_fields(error)
    message = _cut(error.told(shown), MAX_MESSAGE_BYTES)
    info = ErrorInfo(reason=reason_of(error), domain=DOMAIN, metadata=_metadata(shown))
    return Status(
        code=fact_of(error).code.value[0],
        message=message,
        details=[_packed(info), *map(_packed, _further_details(error, shown, message))],
    )


def _shown_fields(error: LatentFlowError) -> dict[str, object]:
    return {
        name: _cut(value, MAX_FIELD_BYTES) if isinstance(value, str) else value
        for name, value in error.details().items()
    }


def _metadata(shown: Mapping[str, object]) -> dict[str, str]:
    return {name: str(value) for name, value in shown.items() if name != _RETRY_FIELD}


def _further_details(
    error: LatentFlowError, shown: Mapping[str, object], message: str
) -> list[Message]:
    match error:
        case errors.Refused():
            violation = BadRequest.FieldViolation(
                field=str(shown["field"]), description=str(shown.get("problem", message))
            )
            return [BadRequest(field_violations=[violation])]
        case errors.QuotaExceeded():
            subject = f"quota:{shown['quota']}"
            failure = QuotaFailure.Violation(subject=subject, description=message)
            return [_retry_info(error), QuotaFailure(violations=[failure])]
        case errors.Exhausted() | errors.Unreachable():
            return [_retry_info(error)]
        case _:
            return []


def _retry_info(error: errors.Exhausted | errors.Unreachable) -> RetryInfo:
    delay = Duration()
    delay.FromNanoseconds(round(error.retry_after_seconds * 1e9))
    return RetryInfo(retry_delay=delay)


def _packed(detail: Message) -> AnyMessage:
    packed = AnyMessage()
    packed.Pack(detail)
    return packed


def _cut(text: str, limit_bytes: int) -> str:
    """`text` in at most `limit_bytes` of UTF-8, whole characters only."""
    encoded = text.encode("utf-8", "replace")
    if len(encoded) <= limit_bytes:
        return encoded.decode()
    return encoded[: limit_bytes - 3].decode("utf-8", "ignore") + "..."


# --- status to error ------------------------------------------------------------------------


def error_from(
    rpc_error: grpc.aio.AioRpcError, unreachable: Callable[[], Unreachable]
) -> LatentFlowError:
    """The error that a peer raised; `unreachable` makes the one for a peer that can't answer."""
    if (error := _error_in(rpc_error)) is not None:
        return error
    if _TOO_LARGE in (rpc_error.details() or ""):
        return errors.InvalidInput(field="message", problem="is larger than its reader takes")
    if rpc_error.code() is StatusCode.UNIMPLEMENTED:
        return errors.WrongService(service=_service_of(unreachable()))
    return _error_by_code(rpc_error.code(), unreachable)


def _service_of(error: Unreachable) -> str:
    return error.service if isinstance(error, errors.ServiceUnavailable) else "broker"


def _error_by_code(code: StatusCode, unreachable: Callable[[], Unreachable]) -> LatentFlowError:
    match code:
        case StatusCode.UNAVAILABLE:
            return unreachable()
        case StatusCode.DEADLINE_EXCEEDED:
            return errors.DeadlineExpired()
        case StatusCode.CANCELLED:
            return errors.Cancelled()
        case StatusCode.UNAUTHENTICATED:
            return errors.AccessDenied()
        case _:
            return errors.InternalError()


def _error_in(rpc_error: grpc.aio.AioRpcError) -> LatentFlowError | None:
    for key, value in rpc_error.trailing_metadata() or ():
        if key == DETAILS_KEY and isinstance(value, bytes):
            return _error_in_details(value)
    return None


def _error_in_details(serialised: bytes) -> LatentFlowError | None:
    info, retry = ErrorInfo(), RetryInfo()
    try:
        for detail in Status.FromString(serialised).details:
            # Each takes only a detail of its own type.
            detail.Unpack(info)
            detail.Unpack(retry)
    except DecodeError:
        return None
    error_class = class_of(info.reason) if info.domain == DOMAIN else None
    return None if error_class is None else _built(error_class, info, retry)


def _built(
    error_class: type[LatentFlowError], info: ErrorInfo, retry: RetryInfo
) -> LatentFlowError | None:
    texts = {**info.metadata, _RETRY_FIELD: str(retry.retry_delay.ToNanoseconds() / 1e9)}
    types = get_type_hints(error_class)
    try:
        values = {field.name: types[field.name](texts[field.name]) for field in fields(error_class)}
    except (KeyError, ValueError):
        return None
    return error_class(**values)
