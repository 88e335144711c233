"""A broker process over a Valkey process of its own, for as long as a block."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from bench.children import free_port, running
from latentflow.cli.child import Child
from tests.store_servers import StoreServer, valkey_binary


@dataclass(frozen=True, slots=True, kw_only=True)
class Stand:
    """Both are running; the broker may still be starting."""

    port: int
    admin_port: int
    broker: Child
    store: StoreServer

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def admin_address(self) -> str:
        return f"127.0.0.1:{self.admin_port}"


@contextmanager
def broker_stand(
    environment: Mapping[str, str], settings: Mapping[str, str] | None = None
) -> Iterator[Stand]:
    """`settings` are the broker's variables without their prefix."""
    store = StoreServer(valkey_binary())
    ports = free_port(), free_port()
    listening = {"PORT": str(ports[0]), "ADMIN_PORT": str(ports[1])}
    own = {**listening, "STORE_URL": store.url, **(settings or {})}
    variables = {f"LATENTFLOW_BROKER_{name}": value for name, value in own.items()}
    try:
        store.start()
        with running("services.broker", environment={**environment, **variables}) as broker:
            yield Stand(port=ports[0], admin_port=ports[1], broker=broker, store=store)
    finally:
        store.remove()
