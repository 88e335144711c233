"""Children are real processes here, small ones."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from latentflow.cli.child import Child
from latentflow.errors import ProcessFailed
from tests.processes import all_end, watch

AWAIT_SECONDS = 20.0
DEAF = "signal.signal(signal.SIGTERM, signal.SIG_IGN); open('{ready}', 'w').close()"
FOREVER = "signal.pause()"


@pytest.fixture
def started(tmp_path: Path) -> Iterator["Starter"]:
    starter = Starter(tmp_path)
    yield starter
    for child in starter.children:
        child.end(within_seconds=0.0)


class Starter:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.children: list[Child] = []

    def __call__(self, program: str) -> Child:
        command = [sys.executable, "-c", f"import signal; {program}"]
        child = Child("thing", command, environment=os.environ, folder=self.folder)
        self.children.append(child)
        return child


def failure_of(child: Child) -> ProcessFailed:
    child.end(within_seconds=AWAIT_SECONDS)
    with pytest.raises(ProcessFailed) as raised:
        child.require_alive()
    return raised.value


def test_a_child_that_runs_is_alive(started: Starter) -> None:
    started(FOREVER).require_alive()


def test_the_failure_of_a_child_tells_its_exit_code_and_its_last_lines(started: Starter) -> None:
    failure = failure_of(started("[print(n) for n in range(99)]; raise SystemExit(3)"))
    assert str(failure) == "the thing ended with exit code 3"
    assert failure.log.splitlines() == [str(n) for n in range(87, 99)]


def test_the_failure_of_a_killed_child_names_the_signal(started: Starter) -> None:
    child = started(FOREVER)
    os.kill(child.pid, signal.SIGKILL)
    assert str(failure_of(child)) == "the thing was ended by SIGKILL"


def test_a_child_that_listens_ends_when_asked(started: Starter) -> None:
    child = started(FOREVER)
    child.ask_to_end()
    assert str(failure_of(child)) == "the thing was ended by SIGTERM"


def test_a_child_that_does_not_listen_is_ended_all_the_same(started: Starter) -> None:
    ready = started.folder / "ready"
    os.mkfifo(ready)
    child = started(f"{DEAF.format(ready=ready)}; {FOREVER}")
    ready.read_bytes()
    child.ask_to_end()
    child.end(within_seconds=0.0)
    assert str(failure_of(child)) == "the thing was ended by SIGKILL"


def test_ending_twice_is_fine(started: Starter) -> None:
    child = started(FOREVER)
    child.end(within_seconds=0.0)
    child.ask_to_end()
    child.end(within_seconds=0.0)


def test_a_command_that_is_not_there_is_told_in_the_log(tmp_path: Path) -> None:
    child = Child("thing", ["/nowhere/thing"], environment=os.environ, folder=tmp_path)
    assert failure_of(child).log == "/nowhere/thing: No such file or directory"


def test_a_child_dies_with_a_parent_that_is_killed(tmp_path: Path) -> None:
    program = (
        "import os, signal, sys\n"
        "from pathlib import Path\n"
        "from latentflow.cli.child import Child\n"
        "command = [sys.executable, '-c', 'print(7, flush=True); import signal; signal.pause()']\n"
        "child = Child('thing', command, environment=os.environ, folder=Path(sys.argv[1]))\n"
        "print(child.pid, flush=True)\n"
        "signal.pause()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program, str(tmp_path)], stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        watched = watch([int(parent.stdout.readline())])
        parent.kill()
    assert all_end(watched)
