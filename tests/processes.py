"""Watching processes of other parents: which there are below one, and that they end."""

import os
import selectors
from collections.abc import Iterable
from pathlib import Path

END_SECONDS = 30.0


def children_of(pid: int) -> list[int]:
    """The processes that the main thread of `pid` has started and that are still there."""
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def command_of(pid: int) -> str:
    return Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ")


def watch(pids: Iterable[int]) -> list[int]:
    """A descriptor for each process, which stays its own when the number is given to another."""
    return [os.pidfd_open(pid) for pid in pids]


def all_end(watched: Iterable[int]) -> bool:
    """Whether every watched process ends in time. Closes the descriptors."""
    ended = [_ends(descriptor) for descriptor in watched]
    return all(ended)


def _ends(descriptor: int) -> bool:
    with selectors.DefaultSelector() as selector:
        selector.register(descriptor, selectors.EVENT_READ)
        ended = bool(selector.select(END_SECONDS))
    os.close(descriptor)
    return ended
