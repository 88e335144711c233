import pytest
from grpc import StatusCode

from latentflow.errors import (
    InternalError,
    LatentFlowError,
    Refused,
    StackRunning,
    UnknownLatent,
)
from latentflow.rpc.facts import TABLE, class_of, fact_of, public, reason_of
from latentflow.v1 import errors_pb2
from tests.unit.rpc.samples import concrete_classes


def test_every_concrete_error_class_has_a_row() -> None:
    assert set(TABLE) == set(concrete_classes())


def test_every_reason_is_used_exactly_once() -> None:
    used = [fact.reason for fact in TABLE.values()]
    declared = set(errors_pb2.ErrorReason.values()) - {errors_pb2.ERROR_REASON_UNSPECIFIED}
    assert len(used) == len(set(used))
    assert set(used) == declared


def test_a_reason_is_its_class_in_capitals() -> None:
    spelled = {
        cls: "".join(f"_{c}" if c.isupper() else c.upper() for c in cls.__name__).lstrip("_")
        for cls in TABLE
    }
    assert {cls: errors_pb2.ErrorReason.Name(fact.reason) for cls, fact in TABLE.items()} == {
        cls: f"ERROR_REASON_{name}" for cls, name in spelled.items()
    }


def test_the_codes_are_those_that_errors_proto_documents() -> None:
    with open("protos/latentflow/v1/errors.proto") as file:
        documented = _codes_in_comments(file.read().splitlines())
    assert {
        errors_pb2.ErrorReason.Name(fact.reason): fact.code.name for fact in TABLE.values()
    } == documented


def _codes_in_comments(lines: list[str]) -> dict[str, str]:
    """Each value's name and the first word of the comment above it."""
    codes: dict[str, str] = {}
    comment: list[str] = []
    for line in map(str.strip, lines):
        if line.startswith("//"):
            comment.append(line.removeprefix("//").strip())
        elif line.startswith("ERROR_REASON_") and "UNSPECIFIED" not in line:
            codes[line.split()[0]] = comment[0].split()[0].strip(".:")
            comment = []
        else:
            comment = []
    return codes


def test_reason_is_the_enum_name_without_its_prefix() -> None:
    assert reason_of(UnknownLatent(latent_id="x")) == "UNKNOWN_LATENT"


def test_reason_leads_back_to_its_class() -> None:
    assert class_of("UNKNOWN_LATENT") is UnknownLatent
    assert class_of("OF_A_LATER_VERSION") is None


@pytest.mark.parametrize("error", [Refused(), LatentFlowError(), StackRunning(pid=1)])
def test_an_error_without_a_row_is_an_internal_error_to_the_outside(
    error: LatentFlowError,
) -> None:
    assert type(public(error)) is InternalError
    assert fact_of(error).code is StatusCode.INTERNAL
    assert reason_of(error) == "INTERNAL_ERROR"
