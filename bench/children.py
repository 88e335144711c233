"""One Python module as a process of its own on a free loopback port, for as long as a block."""

import socket
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from latentflow.cli.child import Child

_GRACE_SECONDS = 8.0


@contextmanager
def running(module: str, *arguments: str, environment: Mapping[str, str]) -> Iterator[Child]:
    """Ended with the block, and with this process however that goes."""
    with TemporaryDirectory(prefix="bench-") as folder:
        command = [sys.executable, "-m", module, *arguments]
        child = Child(module, command, environment=environment, folder=Path(folder))
        try:
            yield child
        finally:
            child.ask_to_end()
            child.end(within_seconds=_GRACE_SECONDS)


def free_port() -> int:
    """A loopback port that was free just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port
