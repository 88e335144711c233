"""A service before and after its work can begin."""

import pytest

from latentflow.errors import ServiceUnavailable
from latentflow.rpc.standby import Standby


def test_before_it_is_filled_calls_may_be_retried() -> None:
    with pytest.raises(ServiceUnavailable) as refusal:
        Standby[str]("sharer").part()
    assert refusal.value.service == "sharer"
    assert refusal.value.retry_after_seconds > 0


def test_then_it_gives_its_part() -> None:
    standby = Standby[str]("sharer")
    standby.fill("part")
    assert standby.part() == "part"
