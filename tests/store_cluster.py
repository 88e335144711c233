"""A Cluster of real servers on loopback, with a replica for each primary where one may die."""

from tests.store_servers import (
    StoreServer,
    free_ports,
    has_replica_in_step,
    hold_back,
    is_primary,
    until,
)

_SLOTS = 16384
_NODE_TIMEOUT_MS = 1000


class _Shard:
    """A primary with its part of the slots, and its replica if it has one."""

    def __init__(self, primary: StoreServer, *replicas: StoreServer) -> None:
        self.primary = primary
        self.replicas = list(replicas)

    def replicate(self) -> None:
        with self.primary.client() as client:
            primary_id = client.execute_command("CLUSTER MYID")
        for replica in self.replicas:
            with replica.client() as client:
                client.execute_command("CLUSTER REPLICATE", primary_id)

    def await_replica(self) -> None:
        if self.replicas:
            until(lambda: has_replica_in_step(self.primary))

    def hold_back(self) -> None:
        (replica,) = self.replicas
        hold_back(self.primary, replica)

    def heal(self) -> None:
        (heir,) = self.replicas
        until(lambda: is_primary(heir))
        self.primary, self.replicas = heir, [self.primary]
        self.replicas[0].start()
        self.await_replica()


class StoreCluster:
    """Primaries that share the slots, by default three; with `replicas` each has one."""

    def __init__(self, binary: str, *, primaries: int = 3, replicas: bool = False) -> None:
        count = primaries * (1 + replicas)
        ports = free_ports(2 * count)
        self._buses = ports[count:]
        self._nodes = [
            _node(binary, port, bus) for port, bus in zip(ports, self._buses, strict=False)
        ]
        self._shards = [_Shard(*self._nodes[place::primaries]) for place in range(primaries)]

    @property
    def url(self) -> str:
        hosts = ",".join(f"127.0.0.1:{node.port}" for node in self._nodes)
        return f"redis+cluster://{hosts}"

    def start(self) -> "StoreCluster":
        for node in self._nodes:
            node.start()
        for place, shard in enumerate(self._shards):
            count = len(self._shards)
            first, last = _SLOTS * place // count, _SLOTS * (place + 1) // count - 1
            with shard.primary.client() as client:
                client.execute_command("CLUSTER ADDSLOTSRANGE", first, last)
        with self._nodes[0].client() as client:
            for node, bus in zip(self._nodes[1:], self._buses[1:], strict=True):
                client.execute_command("CLUSTER MEET", "127.0.0.1", node.port, bus)
        self._await_health()
        for shard in self._shards:
            shard.replicate()
        for shard in self._shards:
            shard.await_replica()
        return self

    def hold_back_replica(self, place: int) -> None:
        """What the primary acknowledges from now on is lost with it."""
        self._shards[place % len(self._shards)].hold_back()

    def kill_primary(self, place: int) -> None:
        """Its replica takes over within some seconds."""
        self._shards[place % len(self._shards)].primary.stop()

    def heal(self, place: int) -> None:
        """Waits until a replica has taken over, and the killed primary is its replica, in step."""
        self._shards[place % len(self._shards)].heal()
        self._await_health()

    def command(self, *words: str) -> None:
        """At every primary."""
        for shard in self._shards:
            with shard.primary.client() as client:
                client.execute_command(*words)

    def flush(self) -> None:
        for shard in self._shards:
            shard.primary.flush()

    def remove(self) -> None:
        for node in self._nodes:
            node.remove()

    def _await_health(self) -> None:
        for node in self._nodes:
            until(lambda node=node: _is_healthy(node, len(self._nodes)))  # type: ignore[misc]


def _node(binary: str, port: int, bus: int) -> StoreServer:
    options = {
        "cluster-enabled": "yes",
        "cluster-port": str(bus),
        "cluster-node-timeout": str(_NODE_TIMEOUT_MS),
    }
    return StoreServer(binary, port=port, **options)


def _is_healthy(node: StoreServer, count: int) -> bool:
    """Whether it knows a server for every slot, and of no server that fails."""
    with node.client() as client:
        info = client.execute_command("CLUSTER INFO")
        known = client.execute_command("CLUSTER NODES")
    flags = [each["flags"] for each in known.values()]
    is_whole = not any("fail" in each or "handshake" in each for each in flags)
    return bool(info["cluster_state"] == "ok" and is_whole and len(flags) == count)
