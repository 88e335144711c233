"""The options that name an adapter and its two models, and the three of them loaded."""

from argparse import ArgumentParser, Namespace
from pathlib import Path

from latentflow.cli.models import find_model
from latentflow.cli.progress import Progress
from latentflow.cli.settings import Settings
from latentflow.errors import UnknownAdapter
from latentflow.evaluation.handoff import Handoff
from latentflow.model.adapter_file import AdapterHeader
from latentflow.model.adapters import ADAPTER_FILE, load_receiver_adapter, load_sharer_adapter
from latentflow.model.backbone import load_backbone, load_sharer


def add_handoff_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--adapter", type=Path, required=True, metavar="DIR", help="its folder")
    parser.add_argument("--sharer", metavar="MODEL", help="name or folder; default: the adapter's")
    parser.add_argument("--receiver", metavar="MODEL", help="likewise")


def adapter_file(arguments: Namespace) -> Path:
    """Raises UnknownAdapter when the folder holds none."""
    folder: Path = arguments.adapter
    path = folder.resolve() / ADAPTER_FILE
    if not path.is_file():
        raise UnknownAdapter(adapter=str(folder))
    return path


def model_folders(
    arguments: Namespace, header: AdapterHeader, settings: Settings, progress: Progress
) -> tuple[Path, Path]:
    """The sharer's and the receiver's, pulled if need be. Raises UnknownModel."""
    sharer = find_model(arguments.sharer or header.sharer.name, settings.models, progress)
    receiver = find_model(arguments.receiver or header.receiver.name, settings.models, progress)
    return sharer, receiver


def handoff_from(
    arguments: Namespace, header: AdapterHeader, settings: Settings, progress: Progress
) -> Handoff:
    """Raises IdentityMismatch where the adapter is for other models, and as loading does."""
    path = adapter_file(arguments)
    sharer_folder, receiver_folder = model_folders(arguments, header, settings, progress)
    sharer, receiver = load_sharer(sharer_folder), load_backbone(receiver_folder)
    return Handoff(
        sharer=sharer,
        receiver=receiver,
        encoder=load_sharer_adapter(path.parent.name, path, sharer),
        decoder=load_receiver_adapter(path.parent.name, path, receiver),
    )
