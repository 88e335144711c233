"""What every service's settings say of listening, and the rule for it: on loopback as it likes, on
any other address with TLS, or because somebody said `--insecure`.
"""

from argparse import ArgumentParser
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import ClassVar, NamedTuple, Self

from latentflow.errors import InvalidInput
from latentflow.files import read_text_file
from latentflow.rpc.auth_interceptor import Authenticator, admit_all
from latentflow.rpc.authenticators import by_credential
from latentflow.rpc.certificates import Certificate, CertificateFiles
from latentflow.rpc.environment import settings_from
from latentflow.rpc.reloaded import Reloaded
from latentflow.tenants import Tenants, parse_tenants

LOOPBACK = "127.0.0.1"
LONGEST_SECONDS = 3600
USUAL_REQUEST_BYTES = 1024 * 1024
_MOST_REQUEST_BYTES = 64 * 1024 * 1024
_IDENTITY = ("certificate", "key", "ca", "tenants")


class Identity(NamedTuple):
    """How a service proves itself, and whom it knows; both follow their files."""

    certificate: Callable[[], Certificate]
    tenants: Callable[[], Tenants]


@dataclass(frozen=True, slots=True, kw_only=True)
class ListeningSettings:
    """`certificate`, `key`, `ca` and `tenants` are files, all of them or none.

    With them callers come over TLS with a token, services with a certificate of `ca`. Prometheus
    reads metrics at `metrics_port`, or nowhere when it is 0: without TLS, whatever the files are.
    """

    prefix: ClassVar[str]

    host: str = LOOPBACK
    port: int = 0
    certificate: Path | None = None
    key: Path | None = None
    ca: Path | None = None
    tenants: Path | None = None
    insecure: bool = False
    settle_seconds: float = 0.0
    grace_seconds: float = 10.0
    metrics_host: str = LOOPBACK
    metrics_port: int = 0

    @classmethod
    def from_environment(cls, environment: Mapping[str, str], *, insecure: bool = False) -> Self:
        """Raises InvalidInput naming the variable."""
        return settings_from(cls, cls.prefix, environment, insecure=insecure)

    def check_listening(self) -> None:
        """Raises InvalidInput naming the variable."""
        self.check_port("port")
        self.check_port("metrics_port")
        for name in ("settle_seconds", "grace_seconds"):
            in_range = 0 <= getattr(self, name) <= LONGEST_SECONDS
            self.require(in_range, name, f"must be 0 to {LONGEST_SECONDS}")
        names = ", ".join(self.prefix + name.upper() for name in _IDENTITY)
        given = [getattr(self, name) is not None for name in _IDENTITY]
        self.require(all(given) or not any(given), "certificate", f"goes with all of {names}")
        self.check_host("host")
        if self.metrics_port:
            self.check_host("metrics_host")

    def check_port(self, field: str) -> None:
        self.require(0 <= getattr(self, field) < 1 << 16, field, "must be 0 to 65535")

    def check_request_bytes(self, most: int) -> None:
        in_range = 1024 <= most <= _MOST_REQUEST_BYTES
        self.require(in_range, "max_request_bytes", f"must be 1024 to {_MOST_REQUEST_BYTES}")

    def check_host(self, field: str) -> None:
        host = getattr(self, field)
        problem = (
            f"{host} is open to others, who could read and change everything: "
            f"set {self.prefix}CERTIFICATE, KEY, CA and TENANTS, or give --insecure"
        )
        safe = is_loopback(host) or self.certificate is not None or self.insecure
        self.require(safe, field, problem)

    def require(self, condition: bool, field: str, problem: str) -> None:
        if not condition:
            raise InvalidInput(field=self.prefix + field.upper(), problem=problem)

    def how(self, host: str) -> str:
        """How it listens at `host`, for the log."""
        if self.certificate is not None:
            return "with TLS"
        if is_loopback(host):
            return "without TLS, for this machine only"
        return "without TLS, open to whoever reaches that address, as --insecure said"

    def identity(self) -> Identity | None:
        """None without any. Raises InvalidInput for files that can't be used."""
        if not (self.certificate and self.key and self.ca and self.tenants):
            return None
        files = CertificateFiles(chain=self.certificate, key=self.key, ca=self.ca)
        return Identity(files.watched(), watched_tenants(self.tenants))


def authenticator_of(identity: Identity | None) -> Authenticator:
    return by_credential(identity.tenants) if identity else admit_all


def watched_tenants(path: Path) -> Reloaded[Tenants]:
    """Raises InvalidInput for a file that can't be used."""
    return Reloaded(lambda: read_tenants(path), (path,))


def read_tenants(path: Path) -> Tenants:
    """Raises InvalidInput naming the file."""
    text = read_text_file(path)
    try:
        return parse_tenants(text)
    except InvalidInput as error:
        raise InvalidInput(field=f"{path}: {error.field}", problem=error.problem) from error


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach it; of names, localhost alone is known to be."""
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"


def insecure_from(service: str, words: Sequence[str]) -> bool:
    """Reads a service's command line. Raises SystemExit for a misuse."""
    parser = ArgumentParser(prog=service, description="Its settings are environment variables.")
    parser.add_argument(
        "--insecure", action="store_true", help="listen to other machines without TLS"
    )
    return bool(parser.parse_args(words).insecure)
