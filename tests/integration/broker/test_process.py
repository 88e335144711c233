"""The broker as a process of its own."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from latentflow.rpc.broker_client import BrokerClient
from latentflow.rpc.channel import open_channel
from latentflow.rpc.probe import is_serving
from tests.integration.broker.running import TIMEOUT
from tests.made_latents import make_latent
from tests.manual_clock import ManualClock
from tests.store_servers import StoreServer, valkey_binary

ROOT = Path(__file__).parents[3]
LARGEST_RESIDENT_BYTES = 150 * 1024 * 1024


@pytest.fixture
def store() -> Iterator[StoreServer]:
    """Not started yet."""
    server = StoreServer(valkey_binary())
    yield server
    server.remove()


@contextmanager
def broker_process(*words: str, **settings: str) -> Iterator[subprocess.Popen[str]]:
    given = {"ADMIN_PORT": "0", **settings}
    environment = {
        **os.environ,
        **{f"LATENTFLOW_BROKER_{name}": value for name, value in given.items()},
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "services.broker", *words],
        cwd=ROOT,
        env=environment,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def address_of(process: subprocess.Popen[str], where: str = "broker listening on") -> str:
    """What the process says that it listens on, the admin port first."""
    assert process.stderr is not None
    for line in process.stderr:
        if found := re.search(rf"{where} (\S+)", line):
            return found[1]
    pytest.fail("the broker ended without listening")


def await_serving(address: str, *, serving: bool = True) -> None:
    deadline = time.monotonic() + TIMEOUT
    while is_serving(address) is not serving:
        assert time.monotonic() < deadline


def resident_bytes(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text()
    found = re.search(r"VmRSS:\s+(\d+) kB", status)
    assert found
    return int(found[1]) * 1024


async def test_process_waits_for_its_store_serves_and_stops_when_told(
    store: StoreServer, clock: ManualClock
) -> None:
    with broker_process(PORT="0", STORE_URL=store.url) as process:
        address = address_of(process)
        assert not is_serving(address)
        store.start()
        await_serving(address)
        async with open_channel(address) as channel:
            made = make_latent(clock(), stream_bytes=1_000_000, frame_bytes=64 * 1024)
            client = BrokerClient(channel)
            await client.publish(made.manifest_bytes, made.frames, timeout=TIMEOUT)
            assert (await client.fetch(made.latent_id, timeout=TIMEOUT)).stream == made.stream
        assert resident_bytes(process.pid) < LARGEST_RESIDENT_BYTES
        process.send_signal(signal.SIGTERM)
        assert process.wait(TIMEOUT) == 0


def test_both_ports_say_whether_the_store_answers(store: StoreServer) -> None:
    with broker_process(PORT="0", STORE_URL=store.url) as process:
        addresses = [address_of(process, "admin port is on"), address_of(process)]
        assert not any(map(is_serving, addresses))
        store.start()
        for address in addresses:
            await_serving(address)
        store.stop()
        for address in addresses:
            await_serving(address, serving=False)


def test_wrong_setting_ends_the_process_naming_the_variable() -> None:
    with broker_process(PORT="http") as process:
        _, said = process.communicate(timeout=TIMEOUT)
        assert process.returncode == 1
    assert "LATENTFLOW_BROKER_PORT" in said
    assert "Traceback" not in said


def test_port_that_is_taken_ends_the_process_saying_so() -> None:
    with broker_process(PORT="0", STORE_URL="memory://") as first:
        port = address_of(first).rpartition(":")[2]
        with broker_process(PORT=port, STORE_URL="memory://") as second:
            _, said = second.communicate(timeout=TIMEOUT)
            assert second.returncode == 1
    assert port in said
    assert "Traceback" not in said


def test_probe_exits_by_what_the_server_says() -> None:
    with broker_process(PORT="0", STORE_URL="memory://") as process:
        address = address_of(process)
        await_serving(address)
        assert probe(address) == 0
    assert probe(address) == 1
    assert probe() == 2


def probe(*arguments: str) -> int:
    command = [sys.executable, "-m", "latentflow.rpc.probe", *arguments]
    return subprocess.run(command, cwd=ROOT, check=False, stderr=subprocess.DEVNULL).returncode
