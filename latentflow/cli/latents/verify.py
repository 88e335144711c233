"""`latentflow latents verify ID`: fetches a latent and checks every frame and its commit."""

from argparse import ArgumentParser, Namespace

from latentflow.cli.broker_work import with_broker
from latentflow.cli.endpoints import add_endpoint_arguments
from latentflow.cli.latents.fetching import fetch_into
from latentflow.cli.latents.wording import sealed
from latentflow.cli.settings import Settings
from latentflow.latent import parse_latent_id
from latentflow.wire.audit import Audit


def add_arguments(parser: ArgumentParser, settings: Settings) -> None:
    parser.add_argument("latent", metavar="ID")
    add_endpoint_arguments(parser, "broker")


def run(arguments: Namespace, settings: Settings) -> None:
    latent_id = parse_latent_id(arguments.latent)
    audit = Audit()
    audited = with_broker(
        arguments,
        settings,
        lambda broker, deadline: fetch_into(audit, broker, latent_id, deadline),
    )
    print(f"{latent_id} holds: {sealed(audited.commit)}")
