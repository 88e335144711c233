"""Text files that a caller names, read whole or refused with a reason."""

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
