"""How `share` and `ask` find the services: flags, else the running stack, else default ports."""

from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from contextlib import contextmanager

from latentflow.cli.settings import Settings
from latentflow.cli.stack_file import read_addresses
from latentflow.client import Addresses
from latentflow.errors import ServiceUnavailable, StackMissing

TIMEOUT_SECONDS = 120.0


def add_endpoint_arguments(parser: ArgumentParser, service: str) -> None:
    parser.add_argument(f"--{service}", metavar="ADDRESS", help="default: that of `latentflow up`")
    parser.add_argument("--timeout", type=float, default=TIMEOUT_SECONDS, metavar="SECONDS")


def addresses_from(arguments: Namespace, settings: Settings) -> Addresses:
    """Raises EmptyInput for an empty address."""
    running = read_addresses(settings.stack_file)
    known = Addresses(sharer=running.sharer, receiver=running.receiver) if running else Addresses()
    given = vars(arguments)
    return Addresses(
        sharer=_first(given.get("sharer"), known.sharer),
        receiver=_first(given.get("receiver"), known.receiver),
    )


@contextmanager
def absence_explained(addresses: Addresses) -> Iterator[None]:
    """Raises StackMissing, which says what to do, where a service can't be reached."""
    try:
        yield
    except ServiceUnavailable as error:
        address = getattr(addresses, error.service, "")
        raise StackMissing(service=error.service, address=address) from error


def _first(given: str | None, known: str) -> str:
    return known if given is None else given
