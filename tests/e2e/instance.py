"""One process of a service at an address of its own, where it can be started again."""

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

from latentflow.rpc.probe import is_serving
from tests.e2e.command_line import ROOT

START_SECONDS = 120.0
# Settling, the grace, and an interpreter that ends on a busy machine.
STOP_SECONDS = 40.0
# Between two looks whether it serves: what starts needs the cores.
LOOK_SECONDS = 0.2


class Instance:
    """What it says goes to `log`; its `settings` are variables without their prefix."""

    def __init__(self, service: str, port: int, log: Path, **settings: str) -> None:
        self.address = f"127.0.0.1:{port}"
        self._service = service
        self._log = log
        prefix = f"LATENTFLOW_{service.upper()}_"
        given = {"PORT": str(port), **settings}
        self._environment = {
            **os.environ,
            **{prefix + name: value for name, value in given.items()},
        }
        self._process: subprocess.Popen[bytes] | None = None

    async def start(self) -> None:
        """Returns when it serves."""
        self._process = self._started()
        async with asyncio.timeout(START_SECONDS):
            while not await asyncio.to_thread(is_serving, self.address):
                assert self._process.poll() is None, self._log.read_text()
                await asyncio.sleep(LOOK_SECONDS)

    async def stop(self) -> int:
        """Its exit code, after SIGTERM."""
        assert self._process is not None
        self._process.send_signal(signal.SIGTERM)
        return await asyncio.to_thread(self._process.wait, STOP_SECONDS)

    def _started(self) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", f"services.{self._service}"]
        with self._log.open("ab") as log:
            return subprocess.Popen(command, cwd=ROOT, env=self._environment, stderr=log)

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()


def target_of(*instances: Instance) -> str:
    """One gRPC target that is all of them."""
    return "ipv4:" + ",".join(instance.address for instance in instances)
