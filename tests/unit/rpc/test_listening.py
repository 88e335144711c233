"""Where a service may listen as its settings are, and what a client may show."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import pytest

from latentflow.errors import InvalidInput
from latentflow.rpc.access import Access
from latentflow.rpc.listening import ListeningSettings, insecure_from, read_tenants

FILES = {name: Path(name) for name in ("certificate", "key", "ca", "tenants")}


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings(ListeningSettings):
    prefix: ClassVar[str] = "X_"

    def __post_init__(self) -> None:
        self.check_listening()


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "localhost", "[::1]"])
def test_on_loopback_nothing_is_asked_for(host: str) -> None:
    assert "this machine only" in Settings(host=host).how(host)


@pytest.mark.parametrize("host", ["0.0.0.0", "[::]", "192.168.1.7", "broker", "", "127.0.0.1.nip"])
def test_elsewhere_it_is_with_tls_or_because_somebody_said_so(host: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        Settings(host=host)
    assert refusal.value.field == "X_HOST"
    assert "--insecure" in refusal.value.problem
    told = Settings(host=host, insecure=True).how(host)
    assert told == "without TLS, open to whoever reaches that address, as --insecure said"
    files: dict[str, Any] = FILES
    assert Settings(host=host, **files).how(host) == "with TLS"


def test_the_page_of_metrics_is_open_to_others_by_the_same_rule() -> None:
    with pytest.raises(InvalidInput) as refusal:
        Settings(metrics_host="0.0.0.0", metrics_port=9464)
    assert refusal.value.field == "X_METRICS_HOST"
    files: dict[str, Any] = FILES
    for said in (files, {"insecure": True}):
        Settings(metrics_host="0.0.0.0", metrics_port=9464, **said)
    Settings(metrics_host="0.0.0.0")  # no page


@pytest.mark.parametrize("missing", FILES)
def test_half_an_identity_is_none(missing: str) -> None:
    files: dict[str, Any] = {name: path for name, path in FILES.items() if name != missing}
    with pytest.raises(InvalidInput, match="X_CERTIFICATE, X_KEY, X_CA, X_TENANTS"):
        Settings(**files)


def test_insecure_is_said_by_that_word_only() -> None:
    assert insecure_from("broker", ["--insecure"])
    assert not insecure_from("broker", [])
    with pytest.raises(SystemExit) as raised:
        insecure_from("broker", ["--secure"])
    assert raised.value.code == 2


def test_a_token_never_goes_out_without_tls(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=r"TLS only.* --ca or LATENTFLOW_CA"):
        Access(token="lcf_1")
    with pytest.raises(InvalidInput, match="TLS only"):
        Access(token_file=tmp_path)


@pytest.mark.parametrize("token", ["two words", "umläut", "line\nbreak"])
def test_what_can_not_be_sent_is_refused_and_not_repeated(token: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        Access(ca=Path("ca.pem"), token=token)
    assert token not in str(refusal.value)


def test_a_token_is_not_shown() -> None:
    assert "lcf_1" not in repr(Access(ca=Path("ca.pem"), token="lcf_1"))


@pytest.mark.parametrize("ca", ["nope.pem", Path("nope.pem")])
def test_a_file_of_cas_that_is_not_there_is_named(ca: str | Path) -> None:
    with pytest.raises(InvalidInput, match=r"nope\.pem: No such file"):
        Access(ca=ca).credentials()


def test_a_file_of_tenants_that_is_wrong_is_named(tmp_path: Path) -> None:
    path = tmp_path / "tenants.toml"
    path.write_text("[tenants")
    with pytest.raises(InvalidInput, match=r"tenants\.toml: tenants: is no TOML"):
        read_tenants(path)
