import os
import subprocess
import sys
from pathlib import Path

import pytest

from latentflow.cli.stack import StackAddresses
from latentflow.cli.stack_file import announced, read_addresses, require_none
from latentflow.errors import StackRunning

ADDRESSES = StackAddresses(broker="h:1", sharer="h:2", receiver="h:3", admin="h:4")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "cache" / "stack.json"


def ended_process() -> int:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def test_a_running_stack_is_found(path: Path) -> None:
    with announced(path, ADDRESSES):
        assert read_addresses(path) == ADDRESSES


def test_a_stack_that_ended_is_not(path: Path) -> None:
    with announced(path, ADDRESSES):
        pass
    assert read_addresses(path) is None
    assert list(path.parent.iterdir()) == []


def test_a_stack_whose_process_was_killed_is_not(path: Path) -> None:
    with announced(path, ADDRESSES):
        path.write_text(path.read_text().replace(str(os.getpid()), str(ended_process())))
        assert read_addresses(path) is None
        require_none(path)


@pytest.mark.parametrize("content", ["", "[]", '{"pid": 1}', '{"pid": "x", "broker": ""}'])
def test_a_file_of_something_else_is_no_stack(path: Path, content: str) -> None:
    path.parent.mkdir()
    path.write_text(content)
    assert read_addresses(path) is None


def test_a_second_stack_is_refused(path: Path) -> None:
    with announced(path, ADDRESSES), pytest.raises(StackRunning) as raised:
        require_none(path)
    assert raised.value.pid == os.getpid()
