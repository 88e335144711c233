"""A service as a process of its own: what it says, whether it serves, how much memory it has."""

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from latentflow.rpc.probe import is_serving

ROOT = Path(__file__).parents[2]
SECONDS = 60.0
# Between two looks: what is looked at needs the cores.
LOOK_SECONDS = 0.05


@contextmanager
def process(service: str, *words: str, **settings: str) -> Iterator[subprocess.Popen[str]]:
    """Its `settings` are variables without their prefix."""
    prefix = f"LATENTFLOW_{service.upper()}_"
    running = subprocess.Popen(
        [sys.executable, "-m", f"services.{service}", *words],
        cwd=ROOT,
        env={**os.environ, **{prefix + name: value for name, value in settings.items()}},
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield running
    finally:
        running.kill()
        running.communicate()


def await_line(running: subprocess.Popen[str], pattern: str) -> re.Match[str]:
    """The first line that it says which matches."""
    assert running.stderr is not None
    for line in running.stderr:
        if found := re.search(pattern, line):
            return found
    pytest.fail("it ended without saying so")


def await_serving(address: str, *, serving: bool = True) -> None:
    deadline = time.monotonic() + SECONDS
    while is_serving(address) is not serving:
        assert time.monotonic() < deadline
        time.sleep(LOOK_SECONDS)


def resident_bytes(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text()
    found = re.search(r"VmRSS:\s+(\d+) kB", status)
    assert found
    return int(found[1]) * 1024
