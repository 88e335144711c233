"""Runs `latentflow` as a process: to its end, or until a test has seen enough."""

import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import IO

from tests.processes import children_of, command_of, watch

ROOT = Path(__file__).parents[2]
RUN_SECONDS = 120.0

# A word of the command line of each process of a stack.
PROCESSES = {
    "store": "valkey-server",
    "broker": "services.broker",
    "sharer": "services.sharer",
    "receiver": "services.receiver",
}


class Running:
    """A `latentflow` process; its output and its messages are one stream of lines."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.lines: list[str] = []

    def read_until(self, text: str) -> str:
        """The first further line that holds `text`; fails at the end of the stream."""
        stream: IO[str] | None = self.process.stdout
        assert stream is not None
        for line in stream:
            self.lines.append(line)
            if text in line:
                return line
        raise AssertionError(f"{text!r} was never said:\n{''.join(self.lines)}")

    def watch_processes(self) -> list[int]:
        """A descriptor for each process of its stack: store, broker, sharer, receiver."""
        children = children_of(self.process.pid)
        assert len(children) == len(PROCESSES)
        return watch(children)

    def kill_process(self, name: str) -> None:
        """Ends one process of its stack the hard way."""
        child = next(
            pid for pid in children_of(self.process.pid) if PROCESSES[name] in command_of(pid)
        )
        os.kill(child, signal.SIGKILL)

    def signal(self, number: signal.Signals) -> int:
        """Sends the signal and returns the exit code; output is read to its end meanwhile."""
        self.process.send_signal(number)
        return self.await_end()

    def await_end(self) -> int:
        output, _ = self.process.communicate(timeout=RUN_SECONDS)
        self.lines += output.splitlines(keepends=True)
        return self.process.returncode


class CommandLine:
    """`latentflow` with an environment of its own."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment
        self._started: list[Running] = []

    def run(self, *words: str, seconds: float = RUN_SECONDS) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self._command(words),
            cwd=ROOT,
            env=self._environment,
            capture_output=True,
            text=True,
            timeout=seconds,
        )

    def start(self, *words: str) -> Running:
        process = subprocess.Popen(
            self._command(words),
            cwd=ROOT,
            env=self._environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._started.append(Running(process))
        return self._started[-1]

    def end(self) -> None:
        for running in self._started:
            running.process.kill()
            running.process.communicate()

    def _command(self, words: tuple[str, ...]) -> list[str]:
        return [sys.executable, "-m", "latentflow.cli", *words]
