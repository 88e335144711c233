"""What is going on, on standard error: lines that stay, and on a terminal one that changes."""

import sys
from typing import TextIO

_CLEAR_LINE = "\r\x1b[K"


class Progress:
    """Results go to standard output; this never does."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stderr
        self._live = self._stream.isatty()

    def say(self, text: str) -> None:
        """A line that stays."""
        self._stream.write(f"{_CLEAR_LINE if self._live else ''}{text}\n")
        self._stream.flush()

    def show(self, text: str) -> None:
        """The line that changes; only a terminal has one."""
        if self._live:
            self._stream.write(f"{_CLEAR_LINE}{text}")
            self._stream.flush()

    def clear(self) -> None:
        self.show("")
