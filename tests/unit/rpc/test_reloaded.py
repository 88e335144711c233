"""Files that are read again when they change, and what holds while they are broken."""

import logging
from pathlib import Path

import pytest

from latentflow.errors import InvalidInput
from latentflow.files import read_bytes
from latentflow.rpc.reloaded import RETRY_SECONDS, Reloaded


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "number"
    path.write_text("1")
    return path


def number_in(path: Path) -> Reloaded[list[int]]:
    def read() -> list[int]:
        try:
            return [int(read_bytes(path))]
        except ValueError as error:
            raise InvalidInput(field="number", problem="is none") from error

    return Reloaded(read, (path,))


def replace_by(path: Path, text: str) -> None:
    fresh = path.with_suffix(".fresh")
    fresh.write_text(text)
    fresh.replace(path)


def test_as_long_as_nothing_changes_it_is_the_same_object(path: Path) -> None:
    number = number_in(path)
    assert number() is number()


def test_a_file_that_is_replaced_by_one_as_long_is_read_again(path: Path) -> None:
    number = number_in(path)
    replace_by(path, "2")
    assert number() == [2]


def test_while_it_is_broken_or_gone_the_last_good_one_holds_and_is_told_of_once(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    number = number_in(path)
    with caplog.at_level(logging.ERROR):
        replace_by(path, "two")
        assert [number(), number()] == [[1], [1]]
        assert [record.getMessage().rpartition(": ")[2] for record in caplog.records] == ["is none"]
        path.unlink()
        assert number() == [1]
    replace_by(path, "3")
    assert number() == [3]


def test_a_file_that_could_not_be_read_for_a_moment_is_read_once_it_can(path: Path) -> None:
    attempts = 0

    def read() -> str:
        nonlocal attempts
        attempts += 1
        if attempts == 2:
            raise InvalidInput(field="number", problem="too many open files")
        return path.read_text()

    now = 0.0
    number = Reloaded(read, (path,), clock=lambda: now)
    replace_by(path, "2")
    assert [number(), number()] == ["1", "1"]
    assert attempts == 2
    now += RETRY_SECONDS
    assert number() == "2"


def test_a_broken_file_that_changes_is_read_at_once(path: Path) -> None:
    number = number_in(path)
    replace_by(path, "two")
    assert number() == [1]
    replace_by(path, "3")
    assert number() == [3]


def test_one_that_was_never_good_is_refused(path: Path) -> None:
    path.write_text("one")
    with pytest.raises(InvalidInput):
        number_in(path)
