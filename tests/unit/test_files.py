"""Files that a caller names are read, or refused by name."""

from pathlib import Path

import pytest

from latentflow.errors import InvalidInput
from latentflow.files import make_folder, read_text_file, write_text_file


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
