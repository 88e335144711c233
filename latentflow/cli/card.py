"""`latentflow card RESULT.json ...`: enters what evaluations measured into an adapter's card."""

from argparse import ArgumentParser, Namespace
from pathlib import Path

from latentflow.cli.plot import shown
from latentflow.cli.results import Result, read_result
from latentflow.cli.settings import Settings
from latentflow.latent import Digest, require_same
from latentflow.model.adapter_file import adapter_digest, read_header
from latentflow.model.adapters import ADAPTER_FILE
from latentflow.training.card import write_card


def add_arguments(parser: ArgumentParser, settings: Settings) -> None:
    parser.add_argument("results", type=Path, nargs="+", metavar="RESULT.json", help="of `eval`")
    parser.add_argument("--adapter", type=Path, required=True, metavar="DIR", help="its folder")


def run(arguments: Namespace, settings: Settings) -> None:
    """The adapter's file stays as it was measured. Raises IdentityMismatch for another's result."""
    folder = arguments.adapter.resolve()
    header, digest = read_header(folder / ADAPTER_FILE), adapter_digest(folder / ADAPTER_FILE)
    results = [_result_of(path, digest) for path in arguments.results]
    print(write_card(folder, header.card, shown(results, folder)))


def _result_of(path: Path, digest: Digest) -> Result:
    result = read_result(path)
    require_same(digest, result.adapter_digest, f"{path}: adapter.digest")
    return result
