"""A process ends on a signal, after its main coroutine did."""

import signal
import subprocess
import sys

import pytest

_PROGRAM = """
import asyncio
from latentflow.rpc.process import run

async def main(stop: asyncio.Event) -> None:
    print("ready", flush=True)
    await stop.wait()
    print("stopped", flush=True)

run(main)
"""

_STUBBORN = _PROGRAM.replace('"stopped", flush=True)', '"asked", flush=True)').replace(
    "\n\nrun(", "\n    await asyncio.Event().wait()\n\nrun("
)

# No executor of the event loop's, which asyncio itself would wait for.
_LOADING = """
import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from latentflow.rpc.process import run, unless_stopped

def load() -> None:
    print("ready", flush=True)
    threading.Event().wait()

async def start() -> None:
    await asyncio.get_running_loop().run_in_executor(ThreadPoolExecutor(), load)

async def main(stop: asyncio.Event) -> None:
    await unless_stopped(stop, start())

run(main)
"""


def started(program: str) -> subprocess.Popen[str]:
    process = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_main_coroutine_in_good_order(number: signal.Signals) -> None:
    with started(_PROGRAM) as process:
        process.send_signal(number)
        out, _ = process.communicate(timeout=30)
        assert (out, process.returncode) == ("stopped\n", 0)


def test_a_start_is_stopped_whatever_its_threads_are_at() -> None:
    with started(_LOADING) as process:
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0


def test_a_second_signal_ends_the_process_the_hard_way() -> None:
    with started(_STUBBORN) as process:
        process.send_signal(signal.SIGTERM)
        assert process.stdout is not None
        assert process.stdout.readline() == "asked\n"
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == -signal.SIGTERM
