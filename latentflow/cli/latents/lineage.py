"""`latentflow latents lineage ID`: where a latent came from, and who has used it."""

from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from dataclasses import asdict

from latentflow.cli.broker_work import with_admin
from latentflow.cli.endpoints import add_endpoint_arguments
from latentflow.cli.latents.wording import Line, aligned, party, uses
from latentflow.cli.settings import Settings
from latentflow.cli.shown import add_json_argument, print_json
from latentflow.dates import utc
from latentflow.latent import LatentInfo, parse_latent_id


def add_arguments(parser: ArgumentParser, settings: Settings) -> None:
    parser.add_argument("latent", metavar="ID")
    add_json_argument(parser)
    add_endpoint_arguments(parser, "admin")


def run(arguments: Namespace, settings: Settings) -> None:
    latent_id = parse_latent_id(arguments.latent)
    lineage = with_admin(
        arguments,
        settings,
        lambda admin, deadline: admin.get_lineage(latent_id, timeout=deadline.remaining_seconds()),
    )
    if arguments.json:
        print_json(asdict(lineage))
        return
    print(aligned(_origin(lineage.latent)))
    print(f"\n{uses(lineage.receipts)}" if lineage.receipts else "\nnobody has used it")


def _origin(info: LatentInfo) -> Iterator[Line]:
    manifest = info.manifest
    yield "latent", manifest.latent_id
    yield "flow", manifest.flow
    yield "state", info.state
    yield "created", utc(manifest.created_ms)
    yield "method", manifest.method
    yield "adapter", manifest.adapter or "none"
    yield from party("sharer", manifest.sharer)
