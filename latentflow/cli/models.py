"""`latentflow models list|pull`: the models of the catalogue on this machine."""

from argparse import ArgumentParser, Namespace
from pathlib import Path

from latentflow.cli.progress import Progress
from latentflow.cli.settings import Settings
from latentflow.cli.table import render
from latentflow.errors import LatentFlowError, UnknownModel
from latentflow.model.catalogue import CATALOGUE, CatalogueEntry, entry_of
from latentflow.model.pull import installed, pull


def add_arguments(parser: ArgumentParser, settings: Settings) -> None:
    actions = parser.add_subparsers(required=True, metavar="ACTION")
    listing = actions.add_parser("list", help="show which models there are and which are here")
    listing.set_defaults(act=list_models)
    pulling = actions.add_parser("pull", help=f"fetch and convert models into {settings.models}")
    pulling.add_argument("names", nargs="*", metavar="NAME", help="default: all")
    pulling.set_defaults(act=pull_models)


def run(arguments: Namespace, settings: Settings) -> None:
    arguments.act(arguments, settings)


def list_models(arguments: Namespace, settings: Settings) -> None:
    rows = [_row(entry, settings.models) for entry in CATALOGUE]
    header = ("model", "state", "download", "licence", "weights' SHA-256")
    print(render(header, rows, right=("download",)))


def pull_models(arguments: Namespace, settings: Settings) -> None:
    progress = Progress()
    for entry in [entry_of(name) for name in arguments.names] or CATALOGUE:
        print(fetch(entry, settings.models, progress))


def fetch(entry: CatalogueEntry, models: Path, progress: Progress) -> Path:
    """The folder of a catalogue's model, pulled when it is not here. Raises as `pull`."""
    if entry.notice:
        progress.say(f"{entry.name}: {entry.notice}")
    return pull(entry, models, lambda step: progress.say(f"{entry.name}: {step}"))


def find_model(name: str, models: Path, progress: Progress) -> Path:
    """The folder that `name` is, or else the catalogue's model of that name, pulled if need be."""
    folder = Path(name)
    return folder.absolute() if folder.is_dir() else fetch(entry_of(name), models, progress)


def _row(entry: CatalogueEntry, models: Path) -> tuple[str, ...]:
    size = f"{entry.download_bytes / 1e6:.0f} MB"
    return entry.name, _state(entry, models), size, entry.licence, entry.identity.weights[:16]


def _state(entry: CatalogueEntry, models: Path) -> str:
    try:
        return str(installed(entry, models))
    except UnknownModel:
        return "not pulled"
    except LatentFlowError as error:
        return f"corrupt: {error}"
