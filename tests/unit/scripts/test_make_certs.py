"""`make certs`: who may read what it writes, and which hosts it vouches for."""

import stat
import subprocess
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[3] / "scripts" / "make_certs.sh"


def make_certs(*words: str | Path, umask: int = -1) -> None:
    subprocess.run([SCRIPT, *words], check=True, stdout=subprocess.DEVNULL, umask=umask)


def attempt(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([SCRIPT, *words], cwd=folder, capture_output=True, text=True)


def holds_for(folder: Path, service: str, *host: str) -> bool:
    files = str(folder / "ca.pem"), *host, str(folder / f"{service}.pem")
    verify = ("openssl", "verify", "-CAfile", *files)
    return subprocess.run(verify, capture_output=True).returncode == 0


def test_containers_can_read_all_but_the_key_of_the_ca_whatever_the_umask(tmp_path: Path) -> None:
    folder = tmp_path / "certs"
    folder.mkdir(mode=0o700)
    make_certs(folder, umask=0o077)
    assert folder.stat().st_mode & stat.S_IXOTH
    closed = {file.name for file in folder.iterdir() if not file.stat().st_mode & stat.S_IROTH}
    assert closed == {"ca.key"}


@pytest.mark.parametrize("service", ["broker", "sharer", "receiver"])
def test_certificates_hold_for_the_service_and_the_hosts_that_are_given(
    service: str, tmp_path: Path
) -> None:
    make_certs(tmp_path, "DNS:gpu1.example,IP:10.0.0.7")
    for name in (service, "localhost", "gpu1.example"):
        assert holds_for(tmp_path, service, "-verify_hostname", name)
    assert holds_for(tmp_path, service, "-verify_ip", "10.0.0.7")
    assert not holds_for(tmp_path, service, "-verify_hostname", "gpu2.example")


def test_only_where_they_are_is_said(tmp_path: Path) -> None:
    made = attempt(tmp_path, "certs")
    assert (made.stdout, made.stderr) == ("certificates in certs, of certs/ca.pem\n", "")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["DNS:gpu1.example"], "the folder goes before"),
        (["IP:10.0.0.7"], "the folder goes before"),
        (["certs", "gpu1.example"], "gpu1.example must be DNS:NAME or IP:ADDRESS"),
        (["certs", "DNS:gpu1.example,10.0.0.7"], "10.0.0.7 must be DNS:NAME or IP:ADDRESS"),
    ],
)
def test_hosts_in_another_form_are_refused_before_anything_is_made(
    words: list[str], told: str, tmp_path: Path
) -> None:
    refused = attempt(tmp_path, *words)
    assert refused.returncode == 2
    assert refused.stderr.startswith("make_certs.sh: ")
    assert told in refused.stderr
    assert not list(tmp_path.iterdir())


def test_what_openssl_says_is_shown_when_it_fails(tmp_path: Path) -> None:
    failed = attempt(tmp_path, "certs", "IP:no.address")
    assert failed.returncode == 2
    assert "no.address" in failed.stderr
