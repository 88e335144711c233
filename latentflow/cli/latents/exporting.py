"""`latentflow latents export ID FILE`: writes a latent to a file, to be imported elsewhere."""

from argparse import ArgumentParser, Namespace
from pathlib import Path

from latentflow.cli.broker_work import with_broker
from latentflow.cli.endpoints import add_endpoint_arguments
from latentflow.cli.latents.fetching import fetch_into
from latentflow.cli.latents.wording import committed
from latentflow.cli.settings import Settings
from latentflow.files import whole_file
from latentflow.latent import parse_latent_id
from latentflow.wire.export import ExportWriter


def add_arguments(parser: ArgumentParser, settings: Settings) -> None:
    parser.add_argument("latent", metavar="ID")
    parser.add_argument("file", type=Path, metavar="FILE", help="must not be there yet")
    parser.add_argument("--force", action="store_true", help="overwrite the file")
    add_endpoint_arguments(parser, "broker")


def run(arguments: Namespace, settings: Settings) -> None:
    latent_id = parse_latent_id(arguments.latent)
    with whole_file(arguments.file, overwrite=arguments.force) as file:
        writer = ExportWriter(file)
        audited = with_broker(
            arguments,
            settings,
            lambda broker, deadline: fetch_into(writer, broker, latent_id, deadline),
        )
    print(f"{latent_id} exported: {committed(audited.commit)}")
