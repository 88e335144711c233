"""A part as a process of its own, which is killed and started again as an orchestrator would."""

import asyncio
import os
import signal
import sys
from collections import deque
from collections.abc import Coroutine, Mapping
from pathlib import Path

from tests.faults.plan import Recipe
from tests.faults.words import READY, Order, Word, overdue

ROOT = Path(__file__).parents[2]
START_SECONDS = 30.0
# How much later than its own timeout an attempt may end: what hangs does for good, but a part that
# gets a tenth of a busy core is only late.
_LATE_SECONDS = 20.0
_LOG_LINES = 200

Listener = Coroutine[None, None, None]


class PartDied(Exception):
    """It was killed over its work."""


class Part:
    """A Python module as a process. Its log's last lines are kept over its lives."""

    def __init__(self, *command: str, environment: Mapping[str, str]) -> None:
        self._command = [sys.executable, "-m", *command]
        self._environment = environment
        self._process: asyncio.subprocess.Process | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self.log: deque[str] = deque(maxlen=_LOG_LINES)
        self.is_up = asyncio.Event()

    async def start(self) -> None:
        """Waits until it is up."""
        self.is_up.clear()
        self._process = await asyncio.create_subprocess_exec(
            *self._command,
            cwd=ROOT,
            env=self._environment,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        self._tasks = [asyncio.create_task(each) for each in self._listeners(self._process)]
        await asyncio.wait_for(self.is_up.wait(), START_SECONDS)

    def _listeners(self, process: asyncio.subprocess.Process) -> list[Listener]:
        return [self._keep_log(process)]

    def require_alive(self) -> None:
        """Raises RuntimeError when it has ended and nobody killed it."""
        if self._process is None or self._process.returncode is not None:
            raise RuntimeError(f"{self._command} has ended:\n" + "\n".join(self.log))

    def kill(self) -> None:
        assert self._process is not None
        os.kill(self._process.pid, signal.SIGKILL)

    async def end(self) -> None:
        """Waits for the end of one that was killed."""
        if self._process is None:
            return
        await self._process.wait()
        await asyncio.gather(*self._tasks)
        self._process = None

    async def _keep_log(self, process: asyncio.subprocess.Process) -> None:
        assert process.stderr is not None
        async for line in process.stderr:
            self.heard(line.decode(errors="replace").rstrip())

    def heard(self, line: str) -> None:
        self.log.append(line)


class BrokerPart(Part):
    """services.broker; up when it says that it listens."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        super().__init__("services.broker", environment=environment)

    def heard(self, line: str) -> None:
        super().heard(line)
        if "broker listening on" in line:
            self.is_up.set()


class WorkingPart(Part):
    """A publisher or a reader: takes orders, gives words."""

    def __init__(self, *command: str, environment: Mapping[str, str]) -> None:
        super().__init__(*command, environment=environment)
        self._waiting: dict[int, asyncio.Future[Word]] = {}
        self._orders = 0

    async def ask(self, recipe: Recipe, *, seconds: float) -> Word:
        """One attempt's word, which is overdue when none comes in time. Raises PartDied."""
        self._orders += 1
        order = Order(number=self._orders, recipe=recipe, timeout=seconds)
        word = self._waiting[order.number] = asyncio.get_running_loop().create_future()
        try:
            await self._tell(order)
            return await asyncio.wait_for(word, seconds + _LATE_SECONDS)
        except TimeoutError:
            return overdue(order.number)
        finally:
            del self._waiting[order.number]

    async def _tell(self, order: Order) -> None:
        if self._process is None or self._process.stdin is None:
            raise PartDied
        try:
            self._process.stdin.write(order.to_line())
            await self._process.stdin.drain()
        except ConnectionError as error:
            raise PartDied from error

    def _listeners(self, process: asyncio.subprocess.Process) -> list[Listener]:
        return [*super()._listeners(process), self._take_words(process)]

    async def _take_words(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdout is not None
        async for line in process.stdout:
            word = Word.from_line(line)
            if word == READY:
                self.is_up.set()
            waiting = self._waiting.get(word.number)
            if waiting is not None and not waiting.done():
                waiting.set_result(word)
        for left in self._waiting.values():
            if not left.done():
                left.set_exception(PartDied())
