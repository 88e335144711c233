"""Runs a service's main coroutine as a process: SIGTERM and SIGINT ask it to stop.

Knows nothing of servers. A second signal ends the process the hard way.
"""

import asyncio
import logging
import os
import resource
import signal
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

_SIGNALS = (signal.SIGTERM, signal.SIGINT)

_log = logging.getLogger(__name__)

Main = Callable[[asyncio.Event], Coroutine[Any, Any, None]]
Started = TypeVar("Started")


class Stopped(Exception):
    """Asked to stop before the start was over."""


async def unless_stopped(stop: asyncio.Event, start: Coroutine[Any, Any, Started]) -> Started:
    """What `start` returns. Once `stop` is set before, cancels it and raises Stopped."""
    starting, stopping = asyncio.ensure_future(start), asyncio.ensure_future(stop.wait())
    try:
        await asyncio.wait({starting, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if not starting.done():
            raise Stopped
        return starting.result()
    finally:
        starting.cancel()
        stopping.cancel()
        await asyncio.wait({starting, stopping})


def run(main: Main) -> None:
    """Runs `main(stop)` to its end; `stop` is set by the first SIGTERM or SIGINT.

    A main that raises Stopped ends the process, with exit code 0, and waits for no thread.
    """
    _allow_all_descriptors()
    try:
        asyncio.run(_stoppable(main))
    except Stopped:
        _log.info("stopped before the start was over")
        _end_without_threads()


def _end_without_threads() -> None:
    """What loads can't be interrupted, and the interpreter would wait for its thread."""
    logging.shutdown()
    os._exit(0)


def _allow_all_descriptors() -> None:
    """A connection takes one each, and at the usual soft limit nobody else could connect."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


async def _stoppable(main: Main) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()

    def ask_to_stop() -> None:
        stop.set()
        _forget_signals(loop)

    for number in _SIGNALS:
        loop.add_signal_handler(number, ask_to_stop)
    try:
        await main(stop)
    finally:
        _forget_signals(loop)


def _forget_signals(loop: asyncio.AbstractEventLoop) -> None:
    for number in _SIGNALS:
        loop.remove_signal_handler(number)
