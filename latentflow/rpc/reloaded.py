"""What some files say, read again when they change, so that nothing need start anew for it.

Knows nothing of what is in them. Looks at them whenever it is asked, on any thread: no timer, no
signal, and no moment at which what is replaced is neither the old nor the new.
"""

import logging
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from threading import Lock
from typing import Generic, TypeVar

from latentflow.errors import InvalidInput

_log = logging.getLogger(__name__)

Value = TypeVar("Value")
Signature = tuple[tuple[int, int, int] | None, ...]

# Between two readings of files that can't be used and have not changed: it may be this process that
# is short of descriptors. Whoever calls waits for the reading, so it must not come with every call.
RETRY_SECONDS = 1.0


class Reloaded(Generic[Value]):
    """Called, gives what the files say: the same object until they change.

    Files that can't be read any more are told of once, and what they said last holds meanwhile.
    """

    def __init__(
        self,
        read: Callable[[], Value],
        paths: Sequence[Path],
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Raises InvalidInput, as `read` does for files it can't use. `clock` tells seconds."""
        self._read = read
        self._paths = paths
        self._clock = clock
        self._lock = Lock()
        self._seen = _signature(paths)
        self._failed: Signature | None = None
        self._retry_at = 0.0
        self._value = read()

    def __call__(self) -> Value:
        with self._lock:
            seen = _signature(self._paths)
            if seen != self._seen and (seen != self._failed or self._clock() >= self._retry_at):
                self._reload(seen)
            return self._value

    def _reload(self, seen: Signature) -> None:
        names = ", ".join(map(str, self._paths))
        try:
            self._value = self._read()
        except InvalidInput as error:
            if seen != self._failed:
                _log.error("%s changed, the last good one holds: %s", names, error)
            self._failed, self._retry_at = seen, self._clock() + RETRY_SECONDS
        else:
            self._seen = seen
            _log.info("%s read again", names)


def _signature(paths: Sequence[Path]) -> Signature:
    return tuple(_stamp(path) for path in paths)


def _stamp(path: Path) -> tuple[int, int, int] | None:
    """What differs between two contents of a file, however it was replaced; None when missing."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns, found.st_size
