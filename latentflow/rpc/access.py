"""What a client proves itself with, and what it believes a server by, from files that may change.

A token goes out over TLS only. It is added to each call here: gRPC's own call credentials start a
thread a call, and take the interpreter's lock from within gRPC's.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import grpc

from latentflow.errors import InvalidInput
from latentflow.files import read_bytes
from latentflow.rpc.certificates import Certificate, require_ca
from latentflow.rpc.reloaded import Reloaded

_NEEDS_CA = "travels over TLS only: give a CA too (on the command line --ca or LATENTFLOW_CA)"

Metadata = tuple[tuple[str, str], ...]


class Shown(NamedTuple):
    """How a channel connects now, and what it adds to a call. Another `credentials` object means
    that there is something new to connect with.
    """

    credentials: grpc.ChannelCredentials
    metadata: Metadata = ()


Credentials = Callable[[], Shown | None]
"""Asked with each call; always None without TLS."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """A caller's: the file of CAs that servers' certificates come from, and its token.

    The token is one, or in a file, which may be replaced at any time. Without CAs there is no TLS.
    """

    ca: str | Path | None = None
    token: str = field(default="", repr=False)
    token_file: str | Path | None = None

    def __post_init__(self) -> None:
        if self.token and self.token_file is not None:
            raise InvalidInput(field="token", problem="is given, and a file for it too")
        if self.token:
            require_token(self.token, "token")
        if (self.token or self.token_file is not None) and self.ca is None:
            raise InvalidInput(field="token", problem=_NEEDS_CA)

    def credentials(self) -> Credentials:
        """Raises InvalidInput for files that can't be used."""
        if self.ca is None:
            return without_tls
        ca = Path(self.ca)
        over_tls = Reloaded(lambda: _believing(ca), (ca,))
        token = self._current_token()
        return lambda: Shown(over_tls(), _bearing(token()))

    def _current_token(self) -> Callable[[], str]:
        if self.token_file is None:
            return lambda: self.token
        path = Path(self.token_file)
        return Reloaded(lambda: _read_token(path), (path,))


OPEN = Access()


def without_tls() -> None:
    """The credentials of a client that has none."""


def of_service(certificate: Callable[[], Certificate]) -> Credentials:
    """A service's among its like: its certificate, no token."""
    current = certificate()
    credentials = _proving(current)

    def shown() -> Shown:
        nonlocal current, credentials
        newest = certificate()
        if newest is not current:
            current, credentials = newest, _proving(newest)
        return Shown(credentials)

    return shown


def _proving(certificate: Certificate) -> grpc.ChannelCredentials:
    return grpc.ssl_channel_credentials(certificate.ca, certificate.key, certificate.chain)


def _believing(ca: Path) -> grpc.ChannelCredentials:
    read = read_bytes(ca)
    require_ca(ca)
    return grpc.ssl_channel_credentials(read)


def _bearing(token: str) -> Metadata:
    return (("authorization", f"Bearer {token}"),) if token else ()


def _read_token(path: Path) -> str:
    return require_token(read_bytes(path).decode(errors="replace").strip(), str(path))


def require_token(token: str, field: str) -> str:
    """The token. Raises InvalidInput, which does not show it, for one that can't be sent."""
    if not (token.isascii() and token.isprintable() and token and " " not in token):
        raise InvalidInput(field=field, problem="holds no token")
    return token
