"""The `latentflow` command: environment in, exit code out.

0 is success, 1 a failure told in one line, 2 a misuse, 128 and more the signal that ended it.
"""

import os
import signal
import sys
from types import FrameType

from latentflow.cli.commands import run
from latentflow.cli.settings import Settings
from latentflow.errors import LatentFlowError, ProcessFailed


class Ending:
    """Turns every signal that asks to end into KeyboardInterrupt, and remembers which it was."""

    def __init__(self) -> None:
        self.number = signal.SIGINT
        signal.signal(signal.SIGINT, signal.default_int_handler)
        signal.signal(signal.SIGTERM, self._interrupt)
        signal.signal(signal.SIGHUP, self._interrupt)

    def _interrupt(self, number: int, frame: FrameType | None) -> None:
        self.number = signal.Signals(number)
        signal.raise_signal(signal.SIGINT)


def main() -> int:
    ending = Ending()
    try:
        run(sys.argv[1:], Settings.from_environment(os.environ))
        sys.stdout.flush()
    except KeyboardInterrupt:
        return 128 + ending.number
    except BrokenPipeError:
        _give_up_output()
        return 128 + signal.SIGPIPE
    except LatentFlowError as error:
        _tell(error)
        return 1
    return 0


def _give_up_output() -> None:
    """Nobody reads any more, as behind `| head`: what is still buffered goes nowhere."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _tell(error: LatentFlowError) -> None:
    if isinstance(error, ProcessFailed) and error.log:
        print(f"--- the last lines of the {error.process} ---\n{error.log}", file=sys.stderr)
    print(f"latentflow: {error}", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
