"""Text files that a caller names, read and written whole or refused with a reason."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from latentflow.errors import InvalidInput


def read_text_file(path: Path) -> str:
    """UTF-8 text. Raises InvalidInput naming the file."""
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise InvalidInput(field=str(path), problem=error.strerror or "can't be read") from error
    except UnicodeDecodeError as error:
        raise InvalidInput(field=str(path), problem="is not UTF-8 text") from error


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


def make_folder(path: Path) -> None:
    """With the folders above it, where they are not there. Raises InvalidInput naming it."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InvalidInput(field=str(path), problem=_unwritable(error)) from error


def _unwritable(error: OSError) -> str:
    return f"can't be written: {error.strerror}"
