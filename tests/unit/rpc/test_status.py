from typing import TypeVar

import grpc
import pytest
from google.protobuf.message import Message
from google.rpc.error_details_pb2 import BadRequest, ErrorInfo, QuotaFailure, RetryInfo
from google.rpc.status_pb2 import Status
from grpc import StatusCode

from latentflow import errors
from latentflow.errors import LatentFlowError
from latentflow.rpc.status import DETAILS_KEY, MAX_MESSAGE_BYTES, error_from, status_of
from tests.unit.rpc.samples import SAMPLES

M = TypeVar("M", bound=Message)

UNREACHABLE = errors.BrokerUnavailable(retry_after_seconds=3.0)


def rpc_error(code: StatusCode, details: bytes | None = None) -> grpc.aio.AioRpcError:
    trailers = grpc.aio.Metadata() if details is None else grpc.aio.Metadata((DETAILS_KEY, details))
    return grpc.aio.AioRpcError(code, grpc.aio.Metadata(), trailers, details="details")


def back(code: StatusCode, details: bytes | None = None) -> LatentFlowError:
    return error_from(rpc_error(code, details), lambda: UNREACHABLE)


def detail(status: Status, kind: M) -> M:
    assert any(packed.Unpack(kind) for packed in status.details), f"no {kind.DESCRIPTOR.name}"
    return kind


@pytest.mark.parametrize("error", SAMPLES, ids=lambda error: type(error).__name__)
def test_an_error_comes_back_with_its_class_and_fields(error: LatentFlowError) -> None:
    status = status_of(error)
    returned = back(StatusCode.UNKNOWN, status.SerializeToString())
    assert type(returned) is type(error)
    assert returned.details() == error.details()


@pytest.mark.parametrize("error", SAMPLES, ids=lambda error: type(error).__name__)
def test_every_status_names_domain_and_reason(error: LatentFlowError) -> None:
    info = detail(status_of(error), ErrorInfo())
    assert info.domain == "latentflow"
    assert class_words(error) == info.reason.replace("_", "").lower()


def class_words(error: LatentFlowError) -> str:
    return type(error).__name__.lower()


def test_metadata_leaves_the_retry_delay_to_retry_info() -> None:
    status = status_of(errors.Overloaded(resource="queue", limit=8, retry_after_seconds=2.5))
    assert dict(detail(status, ErrorInfo()).metadata) == {"resource": "queue", "limit": "8"}
    assert detail(status, RetryInfo()).retry_delay.ToTimedelta().total_seconds() == 2.5


def test_refused_input_names_the_field_in_a_bad_request() -> None:
    status = status_of(errors.InvalidInput(field="sampling.top_p", problem="must be above 0"))
    (violation,) = detail(status, BadRequest()).field_violations
    assert (violation.field, violation.description) == ("sampling.top_p", "must be above 0")


def test_a_used_up_quota_carries_a_quota_failure() -> None:
    status = status_of(errors.QuotaExceeded(quota="bytes", limit=9, retry_after_seconds=1.0))
    (violation,) = detail(status, QuotaFailure()).violations
    assert violation.subject == "quota:bytes"


def test_other_errors_carry_no_further_details() -> None:
    assert len(status_of(errors.UnknownLatent(latent_id="x")).details) == 1


@pytest.mark.parametrize("text", ["x" * 100_000, "語" * 100_000, "\ud800" * 100_000])
def test_a_long_field_is_cut_to_fit_the_trailers(text: str) -> None:
    status = status_of(errors.IdentityMismatch(field=text, expected=text, actual=text))
    percent_encoded = 3 * len(status.message.encode())
    assert percent_encoded + 4 / 3 * status.ByteSize() < 4096
    assert len(status.message.encode()) <= MAX_MESSAGE_BYTES


def test_a_cut_field_still_comes_back_as_its_class() -> None:
    status = status_of(errors.InvalidInput(field="x" * 9000, problem="語" * 9000))
    returned = back(StatusCode.INVALID_ARGUMENT, status.SerializeToString())
    assert isinstance(returned, errors.InvalidInput)
    assert returned.problem.startswith("語語語")
    assert returned.problem.endswith("...")


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        (StatusCode.UNAVAILABLE, errors.BrokerUnavailable),
        (StatusCode.DEADLINE_EXCEEDED, errors.DeadlineExpired),
        (StatusCode.CANCELLED, errors.Cancelled),
        (StatusCode.UNAUTHENTICATED, errors.AccessDenied),
        (StatusCode.RESOURCE_EXHAUSTED, errors.InternalError),
        (StatusCode.UNKNOWN, errors.InternalError),
        (StatusCode.NOT_FOUND, errors.InternalError),
    ],
)
def test_without_details_the_code_decides(
    code: StatusCode, expected: type[LatentFlowError]
) -> None:
    assert type(back(code)) is expected


@pytest.mark.parametrize(
    ("unreachable", "service"),
    [
        (UNREACHABLE, "broker"),
        (errors.ServiceUnavailable(service="sharer", retry_after_seconds=3.0), "sharer"),
    ],
)
def test_a_server_that_does_not_know_the_call_is_another_service(
    unreachable: errors.Unreachable, service: str
) -> None:
    returned = error_from(rpc_error(StatusCode.UNIMPLEMENTED), lambda: unreachable)
    assert isinstance(returned, errors.WrongService)
    assert returned.service == service


def info_status(info: ErrorInfo) -> bytes:
    status = Status(code=5)
    status.details.add().Pack(info)
    return status.SerializeToString()


@pytest.mark.parametrize(
    "details",
    [
        b"\xff\xff no protobuf",
        b"",
        info_status(ErrorInfo(domain="latentflow", reason="OF_A_LATER_VERSION")),
        info_status(ErrorInfo(domain="elsewhere", reason="ACCESS_DENIED")),
        info_status(ErrorInfo(domain="latentflow", reason="UNKNOWN_LATENT")),
        info_status(
            ErrorInfo(
                domain="latentflow",
                reason="CONTEXT_TOO_LONG",
                metadata={"field": "context", "tokens": "many", "limit": "2"},
            )
        ),
    ],
    ids=["broken", "empty", "later", "foreign", "field missing", "field of another type"],
)
def test_details_that_say_nothing_known_leave_it_to_the_code(details: bytes) -> None:
    assert back(StatusCode.UNAVAILABLE, details) is UNREACHABLE
