"""Times as people read them."""

from datetime import UTC, datetime

_LAST_SECOND = 253_402_300_799  # of the year 9999


def utc(unix_ms: int) -> str:
    """To the second; of a time that no date tells, the nearest that one does."""
    second = min(max(unix_ms // 1000, 0), _LAST_SECOND)
    return f"{datetime.fromtimestamp(second, UTC):%Y-%m-%d %H:%M:%SZ}"
