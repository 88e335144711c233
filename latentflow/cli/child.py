"""One process that the command line started: its log, its end, and who else must go with it.

Knows nothing of what the process does.
"""

import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from latentflow.errors import ProcessFailed

_LOG_LINES = 12


class Child:
    """Leads a process group of its own, so that a terminal's Ctrl-C does not reach it."""

    def __init__(
        self, name: str, command: Sequence[str], *, environment: Mapping[str, str], folder: Path
    ) -> None:
        self.name = name
        self._log = folder / f"{name}.log"
        tethered = [sys.executable, "-m", "latentflow.cli.tether", str(os.getpid()), *command]
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                tethered,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=dict(environment),
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        return self._process.pid

    def require_alive(self) -> None:
        """Raises ProcessFailed with the last lines of its log when it has ended."""
        code = self._process.poll()
        if code is not None:
            raise self.failure(_ending(code))

    def failure(self, problem: str) -> ProcessFailed:
        lines = self._log.read_text(errors="replace").splitlines()[-_LOG_LINES:]
        return ProcessFailed(process=self.name, problem=problem, log="\n".join(lines))

    def ask_to_end(self) -> None:
        self._signal(signal.SIGTERM)

    def end(self, *, within_seconds: float) -> None:
        """Waits that long for it to end, then ends its whole group the hard way."""
        try:
            self._process.wait(max(within_seconds, 0.0))
        except subprocess.TimeoutExpired:
            self._signal(signal.SIGKILL)
            self._process.wait()

    def _signal(self, number: signal.Signals) -> None:
        # Once its end is known, its number may be another's.
        if self._process.poll() is None:
            os.killpg(self._process.pid, number)


def _ending(code: int) -> str:
    if code < 0:
        return f"was ended by {signal.Signals(-code).name}"
    return f"ended with exit code {code}"
