"""`latentflow tenants check FILE`: whether the services would take a file, and what it says."""

from argparse import ArgumentParser, Namespace
from pathlib import Path

from latentflow.cli.settings import Settings
from latentflow.cli.table import Row, render
from latentflow.rpc.listening import read_tenants
from latentflow.tenants import Entry

_HEADER = ("tenant", "rights", "tokens", "quotas of its own")


def add_arguments(parser: ArgumentParser, settings: Settings) -> None:
    parser.add_argument("file", type=Path, metavar="FILE")


def run(arguments: Namespace, settings: Settings) -> None:
    """Raises InvalidInput naming what is wrong."""
    entries = read_tenants(arguments.file).entries
    print(render(_HEADER, [_row(entry) for entry in entries], right=("tokens",)))


def _row(entry: Entry) -> Row:
    quotas = ", ".join(f"{name} {limit:,}" for name, limit in entry.quotas.items())
    rights = ", ".join(sorted(entry.rights))
    return entry.tenant, rights or "none", str(len(entry.hashes)), quotas or "none"
