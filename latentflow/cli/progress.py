"""What is going on, on standard error: lines that stay, and on a terminal one that changes."""

import sys
import time
from typing import TextIO

_CLEAR_LINE = "\r\x1b[K"
_QUIET_SECONDS = 30.0


class Progress:
    """Results go to standard output; this never does."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stderr
        self._live = self._stream.isatty()
        self._said_at = time.monotonic()

    def say(self, text: str) -> None:
        """A line that stays."""
        self._stream.write(f"{_CLEAR_LINE if self._live else ''}{text}\n")
        self._stream.flush()
        self._said_at = time.monotonic()

    def show(self, text: str) -> None:
        """The line that changes on a terminal; elsewhere one that stays, every half a minute."""
        if self._live:
            self._stream.write(f"{_CLEAR_LINE}{text}")
            self._stream.flush()
        elif time.monotonic() - self._said_at > _QUIET_SECONDS:
            self.say(text)

    def clear(self) -> None:
        if self._live:
            self.show("")
