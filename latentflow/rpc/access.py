"""What a client proves itself with, and what it believes a server by, from files that may change.

A token goes out over TLS only: gRPC's call credentials know no other way.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import grpc

from latentflow.errors import InvalidInput
from latentflow.rpc.certificates import Certificate, require_ca
from latentflow.rpc.reloaded import Reloaded, read_bytes

Credentials = Callable[[], grpc.ChannelCredentials | None]
"""Asked with each call; another object means that there is something new to connect with."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """A caller's: the file of CAs that servers' certificates come from, and its token.

    The token is one, or in a file, which may be replaced at any time. Without CAs there is no TLS.
    """

    ca: Path | None = None
    token: str = field(default="", repr=False)
    token_file: Path | None = None

    def __post_init__(self) -> None:
        if self.token and self.token_file is not None:
            raise InvalidInput(field="token", problem="is given, and a file for it too")
        if self.token:
            require_token(self.token, "token")
        if (self.token or self.token_file is not None) and self.ca is None:
            raise InvalidInput(field="token", problem="travels over TLS only: give a CA too")

    def credentials(self) -> Credentials:
        """Raises InvalidInput for files that can't be used."""
        ca = self.ca
        if ca is None:
            return without_tls
        calls = self._call_credentials()

        def read() -> grpc.ChannelCredentials:
            require_ca(ca)
            over_tls = grpc.ssl_channel_credentials(read_bytes(ca))
            return grpc.composite_channel_credentials(over_tls, calls) if calls else over_tls

        return Reloaded(read, (ca,))

    def _call_credentials(self) -> grpc.CallCredentials | None:
        if self.token_file is not None:
            return grpc.metadata_call_credentials(_Bearer(_watched_token(self.token_file)))
        if self.token:
            return grpc.metadata_call_credentials(_Bearer(lambda: self.token))
        return None


OPEN = Access()


def without_tls() -> None:
    """The credentials of a client that has none."""


def of_service(certificate: Callable[[], Certificate]) -> Credentials:
    """A service's among its like: its certificate, no token."""
    current = certificate()
    credentials = _showing(current)

    def renewed() -> grpc.ChannelCredentials:
        nonlocal current, credentials
        newest = certificate()
        if newest is not current:
            current, credentials = newest, _showing(newest)
        return credentials

    return renewed


def _showing(certificate: Certificate) -> grpc.ChannelCredentials:
    return grpc.ssl_channel_credentials(certificate.ca, certificate.key, certificate.chain)


class _Bearer(grpc.AuthMetadataPlugin):
    """Adds to each call the token that it is given by then."""

    def __init__(self, token: Callable[[], str]) -> None:
        self._token = token

    def __call__(
        self, context: grpc.AuthMetadataContext, callback: grpc.AuthMetadataPluginCallback
    ) -> None:
        callback((("authorization", f"Bearer {self._token()}"),), None)


def _watched_token(path: Path) -> Reloaded[str]:
    return Reloaded(lambda: _read_token(path), (path,))


def _read_token(path: Path) -> str:
    return require_token(read_bytes(path).decode(errors="replace").strip(), str(path))


def require_token(token: str, field: str) -> str:
    """The token. Raises InvalidInput, which does not show it, for one that can't be sent."""
    if not (token.isascii() and token.isprintable() and token and " " not in token):
        raise InvalidInput(field=field, problem="holds no token")
    return token
