"""The small file by which `latentflow up` tells other terminals where it listens."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

from latentflow.cli.stack import StackAddresses
from latentflow.errors import StackRunning


def read_addresses(path: Path) -> StackAddresses | None:
    """Where the stack that `path` tells of listens; None when there is none that still runs."""
    record = _read(path)
    return record[1] if record and _runs(record[0]) else None


def require_none(path: Path) -> None:
    """Raises StackRunning when the stack that `path` tells of still runs."""
    record = _read(path)
    if record and _runs(record[0]):
        raise StackRunning(pid=record[0])


@contextmanager
def announced(path: Path, addresses: StackAddresses) -> Iterator[None]:
    """Keeps `path` telling of this process's stack while the block runs."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_suffix(f".{os.getpid()}")
    fresh.write_text(json.dumps({"pid": os.getpid(), **asdict(addresses)}) + "\n")
    fresh.replace(path)
    try:
        yield
    finally:
        if (told := _read(path)) is not None and told[0] == os.getpid():
            path.unlink()


def _read(path: Path) -> tuple[int, StackAddresses] | None:
    """What `path` says; nothing when it is missing or was written by something else."""
    try:
        record = json.loads(path.read_text())
        return int(record.pop("pid")), StackAddresses(**record)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
