"""Runs a service's main coroutine as a process: SIGTERM and SIGINT ask it to stop.

Knows nothing of servers. A second signal ends the process the hard way.
"""

import asyncio
import resource
import signal
from collections.abc import Callable, Coroutine
from typing import Any

_SIGNALS = (signal.SIGTERM, signal.SIGINT)

Main = Callable[[asyncio.Event], Coroutine[Any, Any, None]]


def run(main: Main) -> None:
    """Runs `main(stop)` to its end; `stop` is set by the first SIGTERM or SIGINT."""
    _allow_all_descriptors()
    asyncio.run(_stoppable(main))


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
