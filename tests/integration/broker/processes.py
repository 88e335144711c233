"""A broker as a process of its own, and where it listens."""

import subprocess
from contextlib import AbstractContextManager

from tests.integration.processes import await_line, process


def broker_process(*words: str, **settings: str) -> AbstractContextManager[subprocess.Popen[str]]:
    return process("broker", *words, **{"ADMIN_PORT": "0", **settings})


def address_of(running: subprocess.Popen[str], where: str = "broker listening on") -> str:
    """What the process says that it listens on, the admin port first."""
    return await_line(running, rf"{where} (\S+)")[1]
