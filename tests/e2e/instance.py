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
# Beside settling and grace: an interpreter ends, on a busy machine.
END_SECONDS = 10.0
# Between two looks whether it serves: what starts needs the cores.
LOOK_SECONDS = 0.2


class Instance:
    """What it says goes to `log`; its `settings` are variables without their prefix."""

    def __init__(
        self,
        service: str,
        port: int,
        log: Path,
        *,
        settle_seconds: float,
        grace_seconds: float,
        **settings: str,
    ) -> None:
        self.address = f"127.0.0.1:{port}"
        self._service = service
        self._log = log
        self._stop_seconds = settle_seconds + grace_seconds + END_SECONDS
        prefix = f"LATENTFLOW_{service.upper()}_"
        given = {
            "PORT": str(port),
            "SETTLE_SECONDS": str(settle_seconds),
            "GRACE_SECONDS": str(grace_seconds),
            **settings,
        }
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
                self._require_running()
                await asyncio.sleep(LOOK_SECONDS)
        # What answered may be another's at the same address.
        self._require_running()

    def terminate(self) -> None:
        """Sends SIGTERM."""
        assert self._process is not None
        self._process.send_signal(signal.SIGTERM)

    async def exit_code(self) -> int:
        """Of a process that was told to end. Raises TimeoutExpired when it takes too long."""
        assert self._process is not None
        return await asyncio.to_thread(self._process.wait, self._stop_seconds)

    def _require_running(self) -> None:
        assert self._process is not None
        assert self._process.poll() is None, self._log.read_text()

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
