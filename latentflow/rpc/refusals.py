"""Tells the log which calls were refused, and to whom; never what credential they came with.

Anybody may be refused as often as he likes, so there is one line a second at most.
"""

import logging
from collections.abc import Callable
from urllib.parse import unquote

from latentflow.errors import AccessDenied
from latentflow.rpc.handlers import ServedCall

QUIET_SECONDS = 1.0

_log = logging.getLogger(__name__)

Later = Callable[[float, Callable[[], None]], object]
"""Calls back after so many seconds."""


class Refusals:
    """Those before the next line is due are told together: the last, and how many there were."""

    def __init__(self, later: Later) -> None:
        self._later = later
        self._is_quiet = False
        self._waiting = 0
        self._last = ""

    def tell(self, call: ServedCall, denied: AccessDenied) -> None:
        """What `denied` has as notes is told too."""
        told = _told(call, denied)
        if self._is_quiet:
            self._waiting += 1
            self._last = told
        else:
            self._write("ACCESS_DENIED: %s", told)

    def _write(self, line: str, *arguments: object) -> None:
        _log.warning(line, *arguments)
        self._is_quiet = True
        self._later(QUIET_SECONDS, self._go_on)

    def _go_on(self) -> None:
        self._is_quiet = False
        if self._waiting:
            count, self._waiting = self._waiting, 0
            self._write(
                "ACCESS_DENIED: %s, the last of %d since the line before", self._last, count
            )


def _told(call: ServedCall, denied: AccessDenied) -> str:
    notes: list[str] = getattr(denied, "__notes__", [])
    return ", ".join([f"{call.method} from {unquote(call.context.peer())}", *notes])
