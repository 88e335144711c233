"""Each service as a process of its own, so that what it holds can be measured."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from tests.integration.processes import await_line, await_serving, process, resident_bytes
from tests.tiny_pair import TinyPair

SERVICES = ("broker", "sharer", "receiver")
_BROKER = {"STORE_URL": "memory:", "PORT": "0", "ADMIN_PORT": "0"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    name: str
    address: str
    pid: int

    def resident_bytes(self) -> int:
        return resident_bytes(self.pid)


@contextmanager
def running_service(name: str, pair: TinyPair) -> Iterator[Service]:
    """One that serves; a broker stands behind the others."""
    with process("broker", **_BROKER) as broker:
        address = await_line(broker, r"broker listening on (\S+)")[1]
        await_serving(address)
        if name == "broker":
            yield Service(name=name, address=address, pid=broker.pid)
            return
        model = pair.sharer_folder if name == "sharer" else pair.receiver_folder
        settings = {"MODEL": str(model), "ADAPTERS": str(pair.adapters), "PORT": "0"}
        with process(name, BROKER=address, **settings) as running:
            address = await_line(running, rf"{name} listening on (\S+)")[1]
            await_line(running, "the broker is reached")
            await_serving(address)
            yield Service(name=name, address=address, pid=running.pid)
