"""Files that a caller names, read and written whole or refused with a reason."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import IO, Any

from latentflow.errors import InvalidInput


def read_text_file(path: Path) -> str:
    """UTF-8 text. Raises InvalidInput naming the file."""
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise InvalidInput(field=str(path), problem=error.strerror or "can't be read") from error
    except UnicodeDecodeError as error:
        raise InvalidInput(field=str(path), problem="is not UTF-8 text") from error


def read_bytes(path: Path) -> bytes:
    """Raises InvalidInput naming the file."""
    with opened_file(path) as file:
        return file.read()


def read_json_lines(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """The objects of a JSONL file, each with where it stands, `file:line`; blank lines are none.

    Raises InvalidInput naming file and line, also for text that no file can hold.
    """
    for number, line in enumerate(read_text_file(path).split("\n"), start=1):  # may hold U+2028
        if line.strip():
            where = f"{path.name}:{number}"
            yield where, _json_object(line, where)


def _json_object(line: str, where: str) -> dict[str, Any]:
    try:
        row = json.loads(line)
        json.dumps(row, ensure_ascii=False).encode()
    except UnicodeEncodeError as error:
        raise InvalidInput(field=where, problem="has half of a surrogate pair") from error
    except ValueError as error:
        raise InvalidInput(field=where, problem="is not a JSON object") from error
    if not isinstance(row, dict):
        raise InvalidInput(field=where, problem="is not a JSON object")
    return row


def write_text_file(path: Path, text: str) -> None:
    """UTF-8. Raises InvalidInput naming the file."""
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise InvalidInput(field=str(path), problem=_unwritable(error)) from error


@contextmanager
def opened_file(path: Path) -> Iterator[IO[bytes]]:
    """Its bytes. Raises InvalidInput naming the file."""
    try:
        with path.open("rb") as file:
            yield file
    except OSError as error:
        raise InvalidInput(field=str(path), problem=error.strerror or "can't be read") from error


@contextmanager
def whole_file(path: Path, *, overwrite: bool) -> Iterator[IO[bytes]]:
    """A file for its owner alone, at `path` once the block has ended well, otherwise nowhere.

    Raises InvalidInput naming it, also when something is there already that may not be overwritten.
    """
    _require_vacant(path, overwrite)
    try:
        with _partial_file(path) as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
            _require_vacant(path, overwrite)
            os.replace(file.name, path)
    except OSError as error:
        raise InvalidInput(field=str(path), problem=_unwritable(error)) from error


@contextmanager
def _partial_file(path: Path) -> Iterator[IO[bytes]]:
    """Beside `path`; gone when the block fails."""
    with NamedTemporaryFile(
        dir=path.parent, prefix=".latentflow-", suffix=".partial", delete=False
    ) as file:
        try:
            yield file
        except BaseException:
            os.unlink(file.name)
            raise


def _require_vacant(path: Path, overwrite: bool) -> None:
    if not os.path.lexists(path):
        return
    if not overwrite:
        raise InvalidInput(field=str(path), problem="is there already")
    if not path.is_file():
        raise InvalidInput(field=str(path), problem="is something else than a file")


def make_folder(path: Path) -> None:
    """With the folders above it, where they are not there. Raises InvalidInput naming it."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InvalidInput(field=str(path), problem=_unwritable(error)) from error


def _unwritable(error: OSError) -> str:
    return f"can't be written: {error.strerror}"
