"""What a stack of this machine says of ports and variables before anything starts."""

import socket
from collections.abc import Iterator
from io import StringIO
from pathlib import Path

import pytest

from latentflow.cli.commands import run
from latentflow.cli.progress import Progress
from latentflow.cli.settings import Settings
from latentflow.cli.stack import StackPlan, running_stack, usual_addresses
from latentflow.errors import InvalidInput, ProcessFailed

TLS = {
    "LATENTFLOW_BROKER_CERTIFICATE": "certs/broker.pem",
    "LATENTFLOW_SHARER_TENANTS": "tenants.toml",
    "LATENTFLOW_RECEIVER_CA": "",
}


@pytest.fixture
def taken_port() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def plan(folder: Path, environment: dict[str, str]) -> StackPlan:
    return StackPlan(
        sharer_model=folder, receiver_model=folder, adapters=folder, environment=environment
    )


def test_a_port_that_is_taken_is_named_and_free_ones_are_used(taken_port: int) -> None:
    said = StringIO()
    addresses = usual_addresses(Progress(said), (0, taken_port, 0, 0))
    assert said.getvalue() == f"{taken_port} in use by another process: using free ports\n"
    assert not addresses.sharer.endswith(f":{taken_port}")


def test_ports_that_are_free_are_used_without_a_word() -> None:
    said = StringIO()
    usual_addresses(Progress(said), (0, 0, 0, 0))
    assert said.getvalue() == ""


def test_variables_for_tls_are_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput) as refusal:
        plan(tmp_path, TLS)
    assert refusal.value.field == "LATENTFLOW_BROKER_CERTIFICATE, LATENTFLOW_SHARER_TENANTS"
    assert "unset" in refusal.value.problem


@pytest.mark.parametrize("command", ["up", "demo"])
def test_commands_that_start_a_stack_refuse_tls_before_they_look_for_models(
    command: str, tmp_path: Path
) -> None:
    settings = Settings.from_environment({"LATENTFLOW_CACHE": str(tmp_path / "cache"), **TLS})
    with pytest.raises(InvalidInput, match="without TLS"):
        run([command, "--sharer-model", "no such model"], settings)


def test_what_somebody_set_and_the_stack_sets_otherwise_is_named(tmp_path: Path) -> None:
    given = {"LATENTFLOW_SHARER_HOST": "0.0.0.0", "LATENTFLOW_SHARER_THREADS": "1"}
    said = StringIO()
    with (
        pytest.raises(ProcessFailed),
        running_stack(plan(tmp_path, given), Progress(said), ready_seconds=0.0),
    ):
        pass
    assert "not used here: LATENTFLOW_SHARER_HOST\n" in said.getvalue()
    assert "logs of the services, until they end: " in said.getvalue()
