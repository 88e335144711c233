"""A broker as a process: where it refuses to listen, what it says, and the commands against it."""

import asyncio
import json
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from latentflow.cli.commands import run
from latentflow.cli.settings import Settings
from latentflow.errors import InvalidInput, TokenMissing
from latentflow.rpc.probe import is_serving, main
from tests.certificates import Certificates
from tests.integration.broker.processes import address_of, broker_process
from tests.integration.identity.secured import TIMEOUT
from tests.integration.identity.tenants import TenantsFile
from tests.made_latents import make_latent

OPEN_TO_ALL = "0.0.0.0"


@pytest.mark.parametrize("name", ["HOST", "ADMIN_HOST"])
def test_it_does_not_listen_to_other_machines_without_tls(name: str) -> None:
    with broker_process(PORT="0", STORE_URL="memory://", **{name: OPEN_TO_ALL}) as process:
        _, said = process.communicate(timeout=TIMEOUT)
        assert process.returncode == 1
    assert f"LATENTFLOW_BROKER_{name}: {OPEN_TO_ALL} is open to others" in said
    assert "Traceback" not in said


def test_it_does_when_told_that_this_is_insecure() -> None:
    settings = {"PORT": "0", "STORE_URL": "memory://", "HOST": OPEN_TO_ALL}
    with broker_process("--insecure", **settings) as process:
        assert address_of(process).startswith(OPEN_TO_ALL)


@pytest.fixture
def address(certificates: Certificates, tenants: TenantsFile, acme: str) -> Iterator[str]:
    """Of a broker that listens to all, its admin port included, with TLS."""
    files = {name.upper(): str(path) for name, path in certificates.settings("broker").items()}
    everywhere = {"HOST": OPEN_TO_ALL, "ADMIN_HOST": OPEN_TO_ALL, "SERVICES_PORT": "0"}
    with broker_process(
        PORT="0", STORE_URL="memory://", TENANTS=str(tenants.path), **everywhere, **files
    ) as process:
        yield address_of(process).replace(OPEN_TO_ALL, "127.0.0.1")


def test_with_the_images_environment_a_failed_handshake_is_no_line_that_is_not_json(
    certificates: Certificates, tenants: TenantsFile, acme: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GRPC_VERBOSITY", "NONE")
    monkeypatch.setenv("LATENTFLOW_LOG_FORMAT", "json")
    files = {name.upper(): str(path) for name, path in certificates.settings("broker").items()}
    ports = {"PORT": "0", "SERVICES_PORT": "0"}
    with broker_process(
        STORE_URL="memory://", TENANTS=str(tenants.path), **ports, **files
    ) as process:
        host, _, port = address_of(process).rpartition(":")
        with socket.create_connection((host, int(port)), TIMEOUT) as stranger:
            stranger.sendall(b"no TLS at all")
            stranger.shutdown(socket.SHUT_WR)
            assert stranger.recv(1) == b""
        process.terminate()
        _, said = process.communicate(timeout=TIMEOUT)
    for line in said.splitlines():
        json.loads(line)


def test_the_probe_believes_the_ca_only(
    address: str, certificates: Certificates, foreign: Certificates
) -> None:
    assert main(["--ca", str(certificates.ca), address]) == 0
    assert not is_serving(address, ca=foreign.ca)
    assert not is_serving(address)


@pytest.mark.parametrize("by", ["flags", "environment"])
async def test_commands_show_their_token_over_tls(
    address: str, certificates: Certificates, acme: str, tmp_path: Path, by: str
) -> None:
    token_file = tmp_path / "token"
    token_file.write_text(f"{acme}\n")
    given = {"LATENTFLOW_CACHE": str(tmp_path)}
    words = ["latents", "tail", "memos", "--timeout", "0.2", "--broker", address]
    if by == "flags":
        words += ["--ca", str(certificates.ca), "--token-file", str(token_file)]
    else:
        given |= {"LATENTFLOW_CA": str(certificates.ca), "LATENTFLOW_TOKEN": acme}
    await asyncio.to_thread(run, words, Settings.from_environment(given))


async def test_commands_without_a_token_are_refused(
    address: str, certificates: Certificates, tmp_path: Path
) -> None:
    environment = {"LATENTFLOW_CACHE": str(tmp_path), "LATENTFLOW_CA": str(certificates.ca)}
    words = ["latents", "show", make_latent(1).latent_id, "--broker", address]
    with pytest.raises(TokenMissing):
        await asyncio.to_thread(run, words, Settings.from_environment(environment))


def test_a_token_is_not_sent_without_tls(tmp_path: Path) -> None:
    environment = {"LATENTFLOW_CACHE": str(tmp_path), "LATENTFLOW_TOKEN": "lcf_secret"}
    words = ["latents", "show", make_latent(1).latent_id, "--broker", "127.0.0.1:1"]
    with pytest.raises(InvalidInput) as refusal:
        run(words, Settings.from_environment(environment))
    assert "lcf_secret" not in str(refusal.value)


def test_a_new_token_is_one_of_the_file_that_its_hash_is_put_into(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = Settings.from_environment({"LATENTFLOW_CACHE": str(tmp_path)})
    run(["tenants", "token"], settings)
    told, line = (line.partition(": ")[2].strip() for line in capsys.readouterr().out.splitlines())
    path = tmp_path / "tenants.toml"
    path.write_text(f'[tenants.acme]\n{line}\nrights = ["ask"]\nopen_uploads = 2\n')
    run(["tenants", "check", str(path)], settings)
    row = capsys.readouterr().out.splitlines()[-1]
    assert row.split() == ["acme", "ask", "1", "open_uploads", "2"]
    assert told not in path.read_text()
