"""Why callers leave, from how long they asked for and how much of it the server still sees."""

import pytest
from grpc import StatusCode

from latentflow.rpc.parting import code_of_parting

DEADLINE, CANCELLED = StatusCode.DEADLINE_EXCEEDED, StatusCode.CANCELLED


@pytest.mark.parametrize(
    ("asked", "left", "code"),
    [
        pytest.param(0.05, 0.0, DEADLINE, id="the servers own deadline came first"),
        pytest.param(1.01, 0.009, DEADLINE, id="1.001 s sent as 1010 ms"),
        pytest.param(4.33, 0.009, DEADLINE, id="4.321 s sent as 4330 ms"),
        pytest.param(10.1, 0.099, DEADLINE, id="10.001 s sent as 10100 ms"),
        pytest.param(101.0, 0.99, DEADLINE, id="100.01 s sent as 101 s"),
        pytest.param(10.0, 0.299, DEADLINE, id="9.701 s sent as an earlier 10 s"),
        pytest.param(101.0, 3.9, DEADLINE, id="97.1 s, rounded to 98 s, sent as an earlier 101 s"),
        pytest.param(0.5, 0.02, DEADLINE, id="a request longer on its way than the end"),
        pytest.param(20.0, 19.9, CANCELLED, id="a caller that left at once"),
        pytest.param(10.0, 0.5, CANCELLED, id="a caller that left shortly before its deadline"),
        pytest.param(0.5, 0.1, CANCELLED, id="a caller that left a short call"),
        pytest.param(None, None, CANCELLED, id="a caller that set no deadline"),
    ],
)
def test_a_caller_with_no_more_left_than_grpc_adds_has_reached_its_deadline(
    asked: float | None, left: float | None, code: StatusCode
) -> None:
    assert code_of_parting(asked_seconds=asked, left_seconds=left) is code
