"""`latentflow latents import FILE`: publishes a latent that `latents export` wrote."""

from argparse import ArgumentParser, Namespace
from dataclasses import replace
from pathlib import Path

from latentflow.cli.broker_work import with_broker
from latentflow.cli.endpoints import add_endpoint_arguments
from latentflow.cli.latents.wording import committed
from latentflow.cli.progress import Progress
from latentflow.cli.settings import Settings
from latentflow.errors import MessageMalformed, StreamMismatch
from latentflow.files import opened_file
from latentflow.latent import Commit
from latentflow.rpc.broker_client import BrokerClient
from latentflow.rpc.deadline import Deadline
from latentflow.wire.export import Exported, read_export


def add_arguments(parser: ArgumentParser, settings: Settings) -> None:
    parser.add_argument("file", type=Path, metavar="FILE")
    add_endpoint_arguments(parser, "broker")


def run(arguments: Namespace, settings: Settings) -> None:
    """Nothing is published before the whole file was found to be right."""
    exported = _read(arguments.file)
    with_broker(arguments, settings, lambda broker, deadline: _import(broker, exported, deadline))
    Progress().say(committed(exported.audited.commit))
    print(exported.audited.manifest.latent_id)


def _read(path: Path) -> Exported:
    """Raises MessageMalformed naming the file."""
    with opened_file(path) as file:
        try:
            return read_export(file)
        except MessageMalformed as error:
            raise MessageMalformed(field=str(path), problem=error.problem) from error


async def _import(broker: BrokerClient, exported: Exported, deadline: Deadline) -> None:
    signature = exported.audited.commit.signature
    stored = await broker.publish(
        exported.manifest_bytes,
        exported.frames,
        timeout=deadline.remaining_seconds(),
        sign=lambda commit: replace(commit, signature=signature),
    )
    _require_same(exported.audited.commit, stored.commit)


def _require_same(exported: Commit, stored: Commit | None) -> None:
    if stored != exported:
        actual = stored.sha256 if stored else "absent"
        raise StreamMismatch(field="commit", expected=exported.sha256, actual=actual)
