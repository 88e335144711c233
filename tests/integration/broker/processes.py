"""A broker as a process of its own: where it listens, whether it serves, how much memory it has."""

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
from tests.integration.broker.running import TIMEOUT

ROOT = Path(__file__).parents[3]


@contextmanager
def broker_process(*words: str, **settings: str) -> Iterator[subprocess.Popen[str]]:
    given = {"ADMIN_PORT": "0", **settings}
    environment = {
        **os.environ,
        **{f"LATENTFLOW_BROKER_{name}": value for name, value in given.items()},
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "services.broker", *words],
        cwd=ROOT,
        env=environment,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def address_of(process: subprocess.Popen[str]) -> str:
    """What the process says that it listens on."""
    assert process.stderr is not None
    for line in process.stderr:
        if found := re.search(r"broker listening on (\S+)", line):
            return found[1]
    pytest.fail("the broker ended without listening")


def await_serving(address: str) -> None:
    deadline = time.monotonic() + TIMEOUT
    while not is_serving(address):
        assert time.monotonic() < deadline


def resident_bytes(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text()
    found = re.search(r"VmRSS:\s+(\d+) kB", status)
    assert found
    return int(found[1]) * 1024
