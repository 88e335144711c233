"""Files that a caller names are read, or refused by name."""

from pathlib import Path

import pytest

from latentflow.errors import EmptyInput, InvalidInput
from latentflow.files import (
    make_folder,
    opened_file,
    read_text_file,
    whole_file,
    write_text_file,
)


def test_a_file_is_read_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "memo.txt"
    path.write_bytes("käse\n".encode())
    assert read_text_file(path) == "käse\n"


def test_what_can_not_be_read_is_named_with_its_reason(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=r"none\.txt: No such file"):
        read_text_file(tmp_path / "none.txt")
    with pytest.raises(InvalidInput, match="directory"):
        read_text_file(tmp_path)
    (tmp_path / "latin.txt").write_bytes(b"k\xe4se")
    with pytest.raises(InvalidInput, match=r"latin\.txt: is not UTF-8 text"):
        read_text_file(tmp_path / "latin.txt")


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    folder = tmp_path / "a" / "b"
    make_folder(folder)
    make_folder(folder)
    write_text_file(folder / "memo.txt", "käse")
    assert read_text_file(folder / "memo.txt") == "käse"


def test_what_can_not_be_written_is_named_with_its_reason(tmp_path: Path) -> None:
    (tmp_path / "memo.txt").write_text("here")
    with pytest.raises(InvalidInput, match=r"memo\.txt/beneath: can't be written"):
        make_folder(tmp_path / "memo.txt" / "beneath")
    with pytest.raises(InvalidInput, match="can't be written"):
        write_text_file(tmp_path, "text")


def left_in(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_a_whole_file_appears_when_it_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "one.bin"
    with whole_file(path, overwrite=False) as file:
        file.write(b"abc")
        assert not path.exists()
    with opened_file(path) as file:
        assert file.read() == b"abc"
    assert left_in(tmp_path) == {"one.bin"}
    assert path.stat().st_mode & 0o077 == 0


def write_until(path: Path, end: BaseException) -> None:
    with whole_file(path, overwrite=True) as file:
        file.write(b"abc")
        raise end


@pytest.mark.parametrize("end", [EmptyInput(field="it"), KeyboardInterrupt(), OSError(28, "full")])
def test_a_file_that_was_not_finished_leaves_nothing(tmp_path: Path, end: BaseException) -> None:
    path = tmp_path / "one.bin"
    path.write_bytes(b"before")
    with pytest.raises((EmptyInput, KeyboardInterrupt, InvalidInput)):
        write_until(path, end)
    assert left_in(tmp_path) == {"one.bin"}
    assert path.read_bytes() == b"before"


def test_a_file_is_overwritten_only_when_that_is_asked(tmp_path: Path) -> None:
    path = tmp_path / "one.bin"
    path.write_bytes(b"before")
    with (
        pytest.raises(InvalidInput, match=r"one\.bin: is there already"),
        whole_file(path, overwrite=False),
    ):
        raise AssertionError
    with whole_file(path, overwrite=True) as file:
        file.write(b"after")
    assert path.read_bytes() == b"after"


def test_a_file_that_came_in_between_stays(tmp_path: Path) -> None:
    path = tmp_path / "one.bin"
    with (
        pytest.raises(InvalidInput, match="is there already"),
        whole_file(path, overwrite=False),
    ):
        path.write_bytes(b"another's")
    assert path.read_bytes() == b"another's"
    assert left_in(tmp_path) == {"one.bin"}


@pytest.mark.parametrize(
    ("place", "problem"),
    [(".", "something else than a file"), ("none/one.bin", "can't be written")],
)
def test_where_no_file_can_be_is_refused(tmp_path: Path, place: str, problem: str) -> None:
    with (
        pytest.raises(InvalidInput, match=problem),
        whole_file(tmp_path / place, overwrite=True),
    ):
        raise AssertionError


def test_a_folder_is_not_opened(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="directory"), opened_file(tmp_path):
        raise AssertionError
