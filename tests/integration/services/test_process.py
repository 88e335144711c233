"""Sharer and receiver as processes of their own."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

import services.receiver.__main__ as receiver_process
import services.sharer.__main__ as sharer_process
from latentflow.rpc.probe import is_serving
from tests.integration.processes import LOOK_SECONDS, SECONDS, await_line, process
from tests.tiny_pair import TinyPair


@pytest.mark.parametrize("service", ["sharer", "receiver"])
def test_it_listens_loads_serves_and_stops_when_asked(service: str, pair: TinyPair) -> None:
    model = pair.sharer_folder if service == "sharer" else pair.receiver_folder
    settings = {"MODEL": str(model), "ADAPTERS": str(pair.adapters), "PORT": "0"}
    store = {"STORE_URL": "memory:", "PORT": "0", "ADMIN_PORT": "0"}
    with process("broker", **store) as broker:
        settings["BROKER"] = await_line(broker, r"broker listening on (\S+)")[1]
        assert_listens_loads_serves_and_stops(service, settings)


def assert_listens_loads_serves_and_stops(service: str, settings: Mapping[str, str]) -> None:
    with process(service, **settings) as running:
        address = await_line(running, rf"{service} listening on (\S+)")[1]
        await_line(running, "the broker is reached")
        while not is_serving(address):
            assert running.poll() is None
        running.send_signal(signal.SIGTERM)
        assert running.wait(timeout=30) == 0


@pytest.mark.parametrize("service", ["sharer", "receiver"])
def test_told_to_stop_while_it_loads_it_ends_at_once(
    service: str, pair: TinyPair, tmp_path: Path
) -> None:
    model = pair.sharer_folder if service == "sharer" else pair.receiver_folder
    settings = {"ADAPTERS": str(pair.adapters), "PORT": "0", "SETTLE_SECONDS": "60"}
    with (
        process(service, MODEL=str(endless(model, tmp_path)), **settings) as running,
        being_read(tmp_path / "model.safetensors", running),
    ):
        running.send_signal(signal.SIGTERM)
        assert running.wait(timeout=30) == 0


def endless(model: Path, folder: Path) -> Path:
    """A copy of the model, whose weights are a pipe."""
    shutil.copytree(model, folder, dirs_exist_ok=True)
    for weights in folder.glob("*.safetensors"):
        weights.unlink()
    os.mkfifo(folder / "model.safetensors")
    return folder


@contextmanager
def being_read(pipe: Path, reader: subprocess.Popen[str]) -> Iterator[None]:
    """Once it is; what reads it then waits for as long as the block lasts."""
    end, deadline = None, time.monotonic() + SECONDS
    while end is None:
        assert reader.poll() is None, "it ended without reading"
        assert time.monotonic() < deadline
        with suppress(OSError):
            end = os.open(pipe, os.O_WRONLY | os.O_NONBLOCK)
        time.sleep(LOOK_SECONDS)
    yield
    os.close(end)


@pytest.mark.parametrize(
    ("name", "main"), [("sharer", sharer_process.main), ("receiver", receiver_process.main)]
)
def test_what_keeps_it_from_starting_is_its_last_word(
    name: str,
    main: Callable[[], None],
    pair: TinyPair,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    prefix = f"LATENTFLOW_{name.upper()}_"
    monkeypatch.setattr(sys, "argv", [name])
    monkeypatch.setenv(f"{prefix}ADAPTERS", str(pair.adapters))
    monkeypatch.setenv(f"{prefix}PORT", "0")
    with pytest.raises(SystemExit, match=f"{name}: {prefix}MODEL: must be set"):
        main()
    monkeypatch.setenv(f"{prefix}MODEL", str(tmp_path / "nowhere"))
    with pytest.raises(SystemExit, match=rf"{name}: no model named '.*nowhere'"):
        main()
