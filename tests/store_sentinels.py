"""A primary with a replica, and three Sentinels that make the replica the primary when it dies."""

import shutil
import subprocess
import tempfile
from pathlib import Path

import redis

from tests.store_servers import (
    StoreServer,
    free_ports,
    has_replica_in_step,
    hold_back,
    is_answered,
    is_primary,
    until,
)

_PRIMARY = "primary"
# Connections are tried once a second: with less, a new primary is taken for down at once.
_DOWN_AFTER_MS = 2000
# A Sentinel waits twice as long before it helps with another failover.
_FAILOVER_TIMEOUT_MS = 3000


class SentinelStore:
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
        until(lambda: has_replica_in_step(self._primary))
        for port in self._ports:
            self._sentinels.append(self._watch(port))
        self._await_health()
        return self

    def hold_back_replica(self, place: int = 0) -> None:
        """What the primary acknowledges from now on is lost with it."""
        hold_back(self._primary, self._replica)

    def kill_primary(self, place: int = 0) -> None:
        """The Sentinels notice, and promote the replica, within some seconds."""
        self._primary.stop()

    def await_promotion(self) -> None:
        until(lambda: is_primary(self._replica))

    def heal(self, place: int = 0) -> None:
        """Waits until the replica is the primary, and the killed primary its replica, in step."""
        self.await_promotion()
        self._primary, self._replica = self._replica, self._primary
        # Before all know of it, a Sentinel may take the one that comes back for the primary.
        for port in self._ports:
            until(lambda port=port: _knows_primary(port, self._primary.port))  # type: ignore[misc]
        self._replica.start(replicaof=f"127.0.0.1 {self._primary.port}")
        until(lambda: has_replica_in_step(self._primary))
        self._await_health()

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
            f"sentinel down-after-milliseconds {_PRIMARY} {_DOWN_AFTER_MS}\n"
            f"sentinel failover-timeout {_PRIMARY} {_FAILOVER_TIMEOUT_MS}\n"
        )
        return subprocess.Popen(
            [self._binary, str(config), "--sentinel"],
            cwd=self._folder,
            stdout=subprocess.DEVNULL,
        )

    def _await_health(self) -> None:
        for port in self._ports:
            until(lambda port=port: _is_content(port, self._primary.port))  # type: ignore[misc]


def _knows_primary(sentinel_port: int, primary_port: int) -> bool:
    with redis.Redis(port=sentinel_port) as sentinel:
        return bool(sentinel.sentinel_master(_PRIMARY)["port"] == primary_port)


def _is_content(sentinel_port: int, primary_port: int) -> bool:
    """Whether the Sentinel knows the primary, a replica that is up, and both other Sentinels."""
    with redis.Redis(port=sentinel_port) as sentinel:
        if not is_answered(sentinel.ping):
            return False
        primary = sentinel.sentinel_master(_PRIMARY)
        replicas = sentinel.sentinel_slaves(_PRIMARY)
    servers = [primary, *replicas]
    is_up = not any(each["is_sdown"] or each["is_disconnected"] for each in servers)
    has_others = primary["num-other-sentinels"] == 2 and len(replicas) == 1
    return bool(primary["port"] == primary_port and is_up and has_others)
