"""A clock that stands still until a test moves it. Begins now, as real stores have real clocks."""

import time


class ManualClock:
    """Unix milliseconds when called."""

    def __init__(self) -> None:
        self.now_ms = time.time_ns() // 1_000_000

    def __call__(self) -> int:
        return self.now_ms

    def advance(self, *, seconds: float) -> None:
        self.now_ms += round(seconds * 1000)
