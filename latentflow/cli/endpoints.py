"""How commands find the services: flags, else the running stack, else default ports; and what they
show them: flags, else the environment.

A token is never a flag: every user of a machine can see the words of every process.
"""

from argparse import ArgumentParser, Namespace
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Literal

from latentflow.cli.settings import Settings
from latentflow.cli.stack_file import read_addresses
from latentflow.client import Addresses
from latentflow.errors import (
    AccessDenied,
    AdminMissing,
    BrokerUnavailable,
    CallRefused,
    EmptyInput,
    ServiceUnavailable,
    StackMissing,
    TokenMissing,
    WrongAddress,
    WrongService,
)
from latentflow.rpc.access import Access

TIMEOUT_SECONDS = 120.0
BrokerPort = Literal["broker", "admin"]

_USUAL: Mapping[BrokerPort, str] = {"broker": "127.0.0.1:50051", "admin": "127.0.0.1:50054"}
_MISSING = {"broker": StackMissing, "admin": AdminMissing}
_CA = "LATENTFLOW_CA"
_TOKEN = "LATENTFLOW_TOKEN"
_TOKEN_FILE = "LATENTFLOW_TOKEN_FILE"


def add_endpoint_arguments(
    parser: ArgumentParser, *services: str, timeout_seconds: float = TIMEOUT_SECONDS
) -> None:
    for service in services:
        parser.add_argument(
            f"--{service}", metavar="ADDRESS", help="default: that of `latentflow up`"
        )
    parser.add_argument("--ca", metavar="FILE", help=f"TLS, by this CA; default: ${_CA}")
    parser.add_argument(
        "--token-file", metavar="FILE", help=f"default: ${_TOKEN_FILE}, or the token in ${_TOKEN}"
    )
    parser.add_argument(
        "--timeout",
        type=float,
        default=timeout_seconds,
        metavar="SECONDS",
        help="how long to wait at most; default: %(default)g",
    )


def addresses_from(arguments: Namespace, settings: Settings) -> Addresses:
    """Raises EmptyInput for an empty address."""
    running = read_addresses(settings.stack_file)
    known = Addresses(sharer=running.sharer, receiver=running.receiver) if running else Addresses()
    given = vars(arguments)
    return Addresses(
        sharer=_first(given.get("sharer"), known.sharer),
        receiver=_first(given.get("receiver"), known.receiver),
    )


def broker_address(arguments: Namespace, settings: Settings, port: BrokerPort) -> str:
    """Raises EmptyInput for an empty address."""
    running = read_addresses(settings.stack_file)
    known = getattr(running, port) if running else _USUAL[port]
    address = _first(getattr(arguments, port), known)
    if not address:
        raise EmptyInput(field=port)
    return address


def access_from(arguments: Namespace, settings: Settings) -> Access:
    """Raises InvalidInput for a token without a CA."""
    told = settings.environment
    given = vars(arguments)
    ca = given.get("ca") or told.get(_CA)
    token_file = given.get("token_file") or told.get(_TOKEN_FILE)
    return Access(
        ca=ca or None,
        token="" if given.get("token_file") else told.get(_TOKEN, ""),
        token_file=token_file or None,
    )


@contextmanager
def failure_explained(addresses: Addresses, access: Access) -> Iterator[None]:
    """Raises what says where it was looked, and what to do.

    StackMissing where a service can't be reached, WrongAddress where another one is, TokenMissing.
    """
    try:
        yield
    except ServiceUnavailable as error:
        address = getattr(addresses, error.service, "")
        raise StackMissing(service=error.service, address=address) from error
    except WrongService as error:
        address = getattr(addresses, error.service, "")
        raise WrongAddress(service=error.service, address=address) from error
    except AccessDenied as error:
        if _lacks_token(access):
            raise TokenMissing from error
        raise


@contextmanager
def broker_failure_explained(port: BrokerPort, address: str, access: Access) -> Iterator[None]:
    """As `failure_explained` for a port of the broker; CallRefused where it may be the other."""
    try:
        yield
    except BrokerUnavailable as error:
        raise _MISSING[port](service=port, address=address) from error
    except WrongService as error:
        raise WrongAddress(service=error.service, address=address) from error
    except AccessDenied as error:
        if _lacks_token(access):
            raise TokenMissing from error
        raise CallRefused(address=address) from error


def _lacks_token(access: Access) -> bool:
    """Where there is TLS; without it nobody has one."""
    return access.ca is not None and not access.token and access.token_file is None


def _first(given: str | None, known: str) -> str:
    return known if given is None else given
