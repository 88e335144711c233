"""Text files that a caller names, read and written whole or refused with a reason."""

from pathlib import Path

from latentflow.errors import InvalidInput


def read_text_file(path: Path) -> str:
    """UTF-8 text. Raises InvalidInput naming the file."""
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise InvalidInput(field=str(path), problem=error.strerror or "can't be read") from error
    except UnicodeDecodeError as error:
        raise InvalidInput(field=str(path), problem="is not UTF-8 text") from error


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
