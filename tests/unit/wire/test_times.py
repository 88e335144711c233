import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from latentflow.errors import InvalidInput
from latentflow.wire.times import time_from_proto, time_to_proto

LAST_SECOND = 253_402_300_799


def test_the_last_time_there_is_comes_back() -> None:
    last = Timestamp(seconds=LAST_SECOND, nanos=999_000_000)
    assert time_to_proto(time_from_proto(last, "t"), "t") == last


@pytest.mark.parametrize("seconds", [-1, LAST_SECOND + 1, 2**63 - 1])
def test_a_time_that_no_clock_shows_is_refused(seconds: int) -> None:
    with pytest.raises(InvalidInput, match="t: must be after 1970"):
        time_from_proto(Timestamp(seconds=seconds), "t")
