"""`latentflow keys`: what it writes is for its owner alone, and what it prints is public."""

from pathlib import Path

import pytest

from latentflow.cli.commands import run
from latentflow.cli.settings import Settings
from latentflow.errors import InvalidInput, KeyUnknown
from latentflow.latent import Tenant
from latentflow.rpc.auth_interceptor import DEFAULT_TENANT
from latentflow.sealing.key_files import open_signer, read_key_ring, read_trusted_signers

ACME = Tenant("acme")


def mode_of(path: Path) -> int:
    return path.stat().st_mode & 0o777


@pytest.fixture
def ring(tmp_path: Path) -> Path:
    return tmp_path / "ring.json"


def test_keys_are_added_to_a_ring(ring: Path, settings: Settings) -> None:
    run(["keys", "new", "sealing", str(ring), "--id", "k1"], settings)
    assert mode_of(ring) == 0o600
    first = read_key_ring(ring).secret(DEFAULT_TENANT, "k1")
    run(["keys", "new", "sealing", str(ring), "--id", "k2"], settings)
    run(["keys", "new", "sealing", str(ring), "--id", "k1", "--tenant", ACME], settings)
    held = read_key_ring(ring)
    assert (held.current(DEFAULT_TENANT), held.current(ACME)) == ("k2", "k1")
    assert held.secret(DEFAULT_TENANT, "k1") == first
    assert mode_of(ring) == 0o600


def test_nothing_secret_is_printed(
    ring: Path, settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    run(["keys", "new", "sealing", str(ring), "--id", "k1"], settings)
    assert capsys.readouterr().out == "default seals with k1\n"


def test_a_revoked_key_is_gone(ring: Path, settings: Settings) -> None:
    for key_id in ("k1", "k2"):
        run(["keys", "new", "sealing", str(ring), "--id", key_id], settings)
    run(["keys", "revoke", str(ring), "--id", "k1"], settings)
    with pytest.raises(KeyUnknown):
        read_key_ring(ring).secret(DEFAULT_TENANT, "k1")
    with pytest.raises(InvalidInput, match="current"):
        run(["keys", "revoke", str(ring), "--id", "k2"], settings)


def test_a_pair_is_made_to_sign_with_and_to_trust(
    tmp_path: Path, settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    private, trusted = tmp_path / "sharer.pem", tmp_path / "trusted.pem"
    run(["keys", "new", "signing", str(private)], settings)
    trusted.write_text(capsys.readouterr().out)
    assert mode_of(private) == 0o600
    signer = open_signer(private, "", "")
    assert signer is not None
    assert set(read_trusted_signers(trusted).keys) == {signer.key_id}
    with pytest.raises(InvalidInput, match="already"):
        run(["keys", "new", "signing", str(private)], settings)
