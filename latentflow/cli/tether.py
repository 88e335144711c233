"""`python -m latentflow.cli.tether PARENT COMMAND...`: the command, which ends with its parent.

The kernel ends the command with SIGKILL when the parent is gone, however it went; Linux only, as
elsewhere a command outlives a parent that was killed.
"""

import ctypes
import os
import signal
import sys
from typing import NoReturn

_PR_SET_PDEATHSIG = 1


def tether(parent: int) -> None:
    """Ends this process when `parent` does, from now on or at once."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        sys.exit("its parent is gone")


def become(command: list[str]) -> NoReturn:
    """Goes on as `command`; a command that can't be run is told in one line."""
    try:
        os.execvp(command[0], command)
    except OSError as error:
        sys.exit(f"{command[0]}: {error.strerror}")


if __name__ == "__main__":
    tether(int(sys.argv[1]))
    become(sys.argv[2:])
