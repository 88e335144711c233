"""What the command line says where a broker wants a token."""

from pathlib import Path

import pytest

from latentflow.cli.settings import Settings
from latentflow.errors import CallRefused, TokenMissing
from tests.integration.cli.conftest import Commands
from tests.integration.identity.secured import Secured
from tests.integration.identity.tenants import TenantsFile


def listing(broker: Secured) -> tuple[str, ...]:
    at = f"127.0.0.1:{broker.servers.admin.port}"
    return "latents", "ls", "--admin", at, "--ca", str(broker.certificates.ca)


def commands(tmp_path: Path, capsys: pytest.CaptureFixture[str], token: str) -> Commands:
    told = {"LATENTFLOW_CACHE": str(tmp_path / "cache"), "LATENTFLOW_TOKEN": token}
    return Commands(Settings.from_environment(told), capsys)


async def test_whoever_gave_no_token_is_told_how_to(
    broker: Secured, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(TokenMissing, match="LATENTFLOW_TOKEN"):
        await commands(tmp_path, capsys, "").run(*listing(broker))


async def test_a_token_that_is_there_is_not_called_missing(
    broker: Secured, tenants: TenantsFile, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sharing = tenants.put("sharing", rights=("share",))
    with pytest.raises(CallRefused, match="no credential that allows this call"):
        await commands(tmp_path, capsys, sharing).run(*listing(broker))
