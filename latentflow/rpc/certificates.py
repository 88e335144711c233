"""Certificates from files to gRPC's credentials, renewed while servers and channels are in use.

Knows nothing of who may do what. A server takes up a new certificate with the next connection; what
runs on the older ones goes on.
"""

import ssl
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import grpc

from latentflow.errors import InvalidInput
from latentflow.files import read_bytes
from latentflow.rpc.reloaded import Reloaded


class Certificate(NamedTuple):
    """All PEM: a certificate with its chain, its key, and the CAs that a peer's may come from."""

    chain: bytes
    key: bytes
    ca: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class CertificateFiles:
    chain: Path
    key: Path
    ca: Path

    def watched(self) -> Reloaded[Certificate]:
        """Raises InvalidInput for files that can't be used."""
        return Reloaded(self._read, (self.chain, self.key, self.ca))

    def _read(self) -> Certificate:
        """Raises InvalidInput, also while one of them is new and another is not yet."""
        read = self._bytes()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        try:
            context.load_cert_chain(self.chain, self.key, password="")
        except (ssl.SSLError, OSError) as error:
            problem = f"is no certificate of {self.key}"
            raise InvalidInput(field=str(self.chain), problem=problem) from error
        require_ca(self.ca)
        if read != self._bytes():
            raise InvalidInput(field=str(self.chain), problem="is just being replaced")
        return read

    def _bytes(self) -> Certificate:
        return Certificate(*map(read_bytes, (self.chain, self.key, self.ca)))


def require_ca(path: Path) -> None:
    """Raises InvalidInput unless the file has certificates."""
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(path)
    except (ssl.SSLError, OSError) as error:
        raise InvalidInput(field=str(path), problem="is no certificate of a CA") from error


def server_credentials(
    certificate: Callable[[], Certificate], *, of_services: bool
) -> grpc.ServerCredentials:
    """For a port; one that is `of_services` takes nobody without a certificate of the CA."""
    current = certificate()

    def renewed() -> grpc.ServerCertificateConfiguration | None:
        """Called by gRPC, on a thread of its own, with each new connection."""
        nonlocal current
        newest = certificate()
        if newest is current:
            return None
        current = newest
        return _configuration(newest)

    return grpc.dynamic_ssl_server_credentials(
        _configuration(current),
        renewed,  # type: ignore[arg-type]  # None is for no change
        of_services,
    )


def _configuration(certificate: Certificate) -> grpc.ServerCertificateConfiguration:
    pairs = [(certificate.key, certificate.chain)]
    return grpc.ssl_server_certificate_configuration(pairs, certificate.ca)
