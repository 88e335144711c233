"""Files and texts that hold keys: who may read them, and that a change of them is noticed."""

import logging
import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Generic, TypeVar

from latentflow.errors import InternalError, InvalidInput
from latentflow.files import read_text_file
from latentflow.sealing.key_ring import KeyRing, key_ring_from_text
from latentflow.sealing.signing import Signer, TrustedSigners

_log = logging.getLogger(__name__)

# A group may read: that is how Kubernetes mounts a secret for a user who is not root.
_FORBIDDEN = stat.S_IWGRP | stat.S_IRWXO

Value = TypeVar("Value")
Rings = Callable[[], KeyRing]
"""The ring as it is now."""
Signers = Callable[[], TrustedSigners]
"""Whose signatures count now."""


class Watched(Generic[Value]):
    """What a file says now: it is read again when it has changed.

    Raises as `read` at first; later a file that can't be used any more is logged, and InternalError
    until it is right again, so that a revoked key never outlives a slip in the file.
    """

    def __init__(self, path: Path, read: Callable[[Path], Value]) -> None:
        self._path = path
        self._read = read
        self._seen = _look(path)
        self._value = read(path)

    def __call__(self) -> Value:
        try:
            seen = _look(self._path)
            if seen != self._seen:
                self._value = self._read(self._path)
                self._seen = seen
        except InvalidInput as error:
            _log.error("%s", error)
            raise InternalError() from error
        return self._value


def read_key_ring(path: Path) -> KeyRing:
    """Raises InvalidInput naming the file."""
    return key_ring_from_text(_read_secret(path), str(path))


def read_trusted_signers(path: Path) -> TrustedSigners:
    """No secret, but nobody else may add to them. Raises InvalidInput naming the file."""
    _require_mode(path, stat.S_IWGRP | stat.S_IWOTH, "may be written by others than its owner")
    return TrustedSigners.from_text(read_text_file(path), str(path))


def open_rings(path: Path | None, text: str, source: str) -> Rings | None:
    """From a file or else a text, which is of `source`; None from neither. Raises InvalidInput."""
    if path is not None:
        return Watched(path, read_key_ring)
    if not text:
        return None
    ring = key_ring_from_text(text, source)
    return lambda: ring


def open_signer(path: Path | None, text: str, source: str) -> Signer | None:
    """Likewise, and read once: whoever changes a sharer's key starts it anew."""
    if path is not None:
        return Signer.from_text(_read_secret(path), str(path))
    return Signer.from_text(text, source) if text else None


def open_signers(path: Path | None) -> Signers | None:
    return None if path is None else Watched(path, read_trusted_signers)


def _read_secret(path: Path) -> str:
    _require_mode(path, _FORBIDDEN, "may be used by others: chmod 600")
    return read_text_file(path)


def _require_mode(path: Path, forbidden: int, problem: str) -> None:
    if _stat(path).st_mode & forbidden:
        raise InvalidInput(field=str(path), problem=problem)


def _look(path: Path) -> tuple[int, int, int, int]:
    """Another one when the file was written, replaced, or given to others."""
    status = _stat(path)
    return status.st_ino, status.st_mtime_ns, status.st_size, status.st_mode


def _stat(path: Path) -> os.stat_result:
    try:
        return path.stat()
    except OSError as error:
        raise InvalidInput(field=str(path), problem=error.strerror or "can't be read") from error
