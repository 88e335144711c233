"""The one table from error class to gRPC status code and reason; nothing else decides a status.

Knows neither servers nor clients, and not what a status looks like.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from grpc import StatusCode

from latentflow import errors
from latentflow.errors import LatentFlowError
from latentflow.v1 import errors_pb2 as reasons


@dataclass(frozen=True, slots=True)
class Fact:
    """How one error class looks on the wire."""

    code: StatusCode
    reason: reasons.ErrorReason.ValueType


TABLE: Mapping[type[LatentFlowError], Fact] = {
    errors.InvalidInput: Fact(StatusCode.INVALID_ARGUMENT, reasons.ERROR_REASON_INVALID_INPUT),
    errors.EmptyInput: Fact(StatusCode.INVALID_ARGUMENT, reasons.ERROR_REASON_EMPTY_INPUT),
    errors.ContextTooLong: Fact(StatusCode.INVALID_ARGUMENT, reasons.ERROR_REASON_CONTEXT_TOO_LONG),
    errors.UnknownModel: Fact(StatusCode.NOT_FOUND, reasons.ERROR_REASON_UNKNOWN_MODEL),
    errors.UnknownAdapter: Fact(StatusCode.NOT_FOUND, reasons.ERROR_REASON_UNKNOWN_ADAPTER),
    errors.UnknownLatent: Fact(StatusCode.NOT_FOUND, reasons.ERROR_REASON_UNKNOWN_LATENT),
    errors.UnknownSession: Fact(StatusCode.NOT_FOUND, reasons.ERROR_REASON_UNKNOWN_SESSION),
    errors.UnknownFlow: Fact(StatusCode.NOT_FOUND, reasons.ERROR_REASON_UNKNOWN_FLOW),
    errors.LatentExpired: Fact(StatusCode.FAILED_PRECONDITION, reasons.ERROR_REASON_LATENT_EXPIRED),
    errors.LatentRevoked: Fact(StatusCode.FAILED_PRECONDITION, reasons.ERROR_REASON_LATENT_REVOKED),
    errors.LatentIncomplete: Fact(
        StatusCode.FAILED_PRECONDITION, reasons.ERROR_REASON_LATENT_INCOMPLETE
    ),
    errors.LatentFailed: Fact(StatusCode.FAILED_PRECONDITION, reasons.ERROR_REASON_LATENT_FAILED),
    errors.IdentityMissing: Fact(
        StatusCode.FAILED_PRECONDITION, reasons.ERROR_REASON_IDENTITY_MISSING
    ),
    errors.IdentityMismatch: Fact(
        StatusCode.FAILED_PRECONDITION, reasons.ERROR_REASON_IDENTITY_MISMATCH
    ),
    errors.UnsupportedMethod: Fact(
        StatusCode.FAILED_PRECONDITION, reasons.ERROR_REASON_UNSUPPORTED_METHOD
    ),
    errors.UnsupportedModel: Fact(
        StatusCode.FAILED_PRECONDITION, reasons.ERROR_REASON_UNSUPPORTED_MODEL
    ),
    errors.KeyUnknown: Fact(StatusCode.FAILED_PRECONDITION, reasons.ERROR_REASON_KEY_UNKNOWN),
    errors.SignatureMissing: Fact(
        StatusCode.FAILED_PRECONDITION, reasons.ERROR_REASON_SIGNATURE_MISSING
    ),
    errors.RouteDemoted: Fact(StatusCode.FAILED_PRECONDITION, reasons.ERROR_REASON_ROUTE_DEMOTED),
    errors.LatentExists: Fact(StatusCode.ALREADY_EXISTS, reasons.ERROR_REASON_LATENT_EXISTS),
    errors.LatentClosed: Fact(StatusCode.FAILED_PRECONDITION, reasons.ERROR_REASON_LATENT_CLOSED),
    errors.FrameOutOfOrder: Fact(StatusCode.ABORTED, reasons.ERROR_REASON_FRAME_OUT_OF_ORDER),
    errors.FrameCorrupt: Fact(StatusCode.DATA_LOSS, reasons.ERROR_REASON_FRAME_CORRUPT),
    errors.FrameTooLarge: Fact(StatusCode.INVALID_ARGUMENT, reasons.ERROR_REASON_FRAME_TOO_LARGE),
    errors.StreamMismatch: Fact(StatusCode.DATA_LOSS, reasons.ERROR_REASON_STREAM_MISMATCH),
    errors.MessageMalformed: Fact(
        StatusCode.INVALID_ARGUMENT, reasons.ERROR_REASON_MESSAGE_MALFORMED
    ),
    errors.AdapterCorrupt: Fact(StatusCode.DATA_LOSS, reasons.ERROR_REASON_ADAPTER_CORRUPT),
    errors.ModelFilesCorrupt: Fact(StatusCode.DATA_LOSS, reasons.ERROR_REASON_MODEL_FILES_CORRUPT),
    errors.SealBroken: Fact(StatusCode.DATA_LOSS, reasons.ERROR_REASON_SEAL_BROKEN),
    errors.SignatureInvalid: Fact(StatusCode.DATA_LOSS, reasons.ERROR_REASON_SIGNATURE_INVALID),
    errors.QuotaExceeded: Fact(StatusCode.RESOURCE_EXHAUSTED, reasons.ERROR_REASON_QUOTA_EXCEEDED),
    errors.StoreFull: Fact(StatusCode.RESOURCE_EXHAUSTED, reasons.ERROR_REASON_STORE_FULL),
    errors.Overloaded: Fact(StatusCode.RESOURCE_EXHAUSTED, reasons.ERROR_REASON_OVERLOADED),
    errors.BrokerUnavailable: Fact(StatusCode.UNAVAILABLE, reasons.ERROR_REASON_BROKER_UNAVAILABLE),
    errors.StoreUnavailable: Fact(StatusCode.UNAVAILABLE, reasons.ERROR_REASON_STORE_UNAVAILABLE),
    errors.ServiceUnavailable: Fact(
        StatusCode.UNAVAILABLE, reasons.ERROR_REASON_SERVICE_UNAVAILABLE
    ),
    errors.Draining: Fact(StatusCode.UNAVAILABLE, reasons.ERROR_REASON_DRAINING),
    errors.Cancelled: Fact(StatusCode.CANCELLED, reasons.ERROR_REASON_CANCELLED),
    errors.DeadlineExpired: Fact(
        StatusCode.DEADLINE_EXCEEDED, reasons.ERROR_REASON_DEADLINE_EXPIRED
    ),
    errors.AccessDenied: Fact(StatusCode.UNAUTHENTICATED, reasons.ERROR_REASON_ACCESS_DENIED),
    errors.InternalError: Fact(StatusCode.INTERNAL, reasons.ERROR_REASON_INTERNAL_ERROR),
}


def reason_name(reason: reasons.ErrorReason.ValueType) -> str:
    """The reason as it travels: without the enum's prefix."""
    return reasons.ErrorReason.Name(reason).removeprefix("ERROR_REASON_")


_CLASS_OF = {reason_name(fact.reason): error_class for error_class, fact in TABLE.items()}


def class_of(reason: str) -> type[LatentFlowError] | None:
    """The class that `reason_of` names so; None when a later version added it."""
    return _CLASS_OF.get(reason)


def public(error: LatentFlowError) -> LatentFlowError:
    """The error itself, or a bare InternalError when it has no row and so may not be shown."""
    return error if type(error) in TABLE else errors.InternalError()


def fact_of(error: LatentFlowError) -> Fact:
    return TABLE[type(public(error))]


def reason_of(error: LatentFlowError) -> str:
    """The ErrorReason's name without its prefix, for example UNKNOWN_LATENT."""
    return reason_name(fact_of(error).reason)
