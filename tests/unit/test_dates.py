"""How times are told, also those that come from a peer and are none."""

import pytest

from latentflow.dates import utc
from latentflow.errors import LatentExpired
from latentflow.rpc.status import status_of


@pytest.mark.parametrize(
    ("unix_ms", "told"),
    [
        (1_760_000_000_999, "2025-10-09 08:53:20Z"),
        (253_402_300_799_999, "9999-12-31 23:59:59Z"),
        (10**30, "9999-12-31 23:59:59Z"),
        (-(10**30), "1970-01-01 00:00:00Z"),
    ],
)
def test_times_are_told_in_utc(unix_ms: int, told: str) -> None:
    assert utc(unix_ms) == told


def test_an_expiry_is_told_as_a_date_here_and_by_the_server() -> None:
    error = LatentExpired(latent_id="x", expired_ms=1_760_000_000_999)
    assert str(error) == status_of(error).message == "latent x expired at 2025-10-09 08:53:20Z"
