"""The broker as a process of its own."""

import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest

from latentflow.rpc.broker_client import BrokerClient
from latentflow.rpc.channel import open_channel
from latentflow.rpc.probe import is_serving
from tests.integration.broker.processes import address_of, broker_process
from tests.integration.broker.running import TIMEOUT
from tests.integration.processes import ROOT, await_serving, resident_bytes
from tests.made_latents import make_latent
from tests.manual_clock import ManualClock
from tests.store_servers import StoreServer, valkey_binary

LARGEST_RESIDENT_BYTES = 150 * 1024 * 1024


@pytest.fixture
def store() -> Iterator[StoreServer]:
    """Not started yet."""
    server = StoreServer(valkey_binary())
    yield server
    server.remove()


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
