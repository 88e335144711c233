"""`python -m latentflow.cli.tether PARENT COMMAND...`: the command, which ends with its parent.

The kernel ends the command with SIGKILL when the parent is gone, however it went; Linux only, as
elsewhere a command outlives a parent that was killed.
"""

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1


def tether(parent: int) -> None:
    """Ends this process when `parent` does, from now on or at once."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        sys.exit("its parent is gone")


if __name__ == "__main__":
    tether(int(sys.argv[1]))
    os.execvp(sys.argv[2], sys.argv[2:])
