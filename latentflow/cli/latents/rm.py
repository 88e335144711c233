"""`latentflow latents rm ID ...`: withdraws latents, and says whom each had reached."""

from argparse import ArgumentParser, Namespace
from collections.abc import Sequence

from latentflow.cli.broker_work import with_admin
from latentflow.cli.endpoints import add_endpoint_arguments
from latentflow.cli.latents.wording import uses
from latentflow.cli.settings import Settings
from latentflow.latent import LatentId, parse_latent_id
from latentflow.rpc.admin_client import AdminClient
from latentflow.rpc.deadline import Deadline


def add_arguments(parser: ArgumentParser, settings: Settings) -> None:
    parser.add_argument("latents", nargs="+", metavar="ID", help="may be several")
    add_endpoint_arguments(parser, "admin")


def run(arguments: Namespace, settings: Settings) -> None:
    latent_ids = [parse_latent_id(given) for given in arguments.latents]
    with_admin(arguments, settings, lambda admin, deadline: _revoke(admin, latent_ids, deadline))


async def _revoke(admin: AdminClient, latent_ids: Sequence[LatentId], deadline: Deadline) -> None:
    """One after the other; ends at the first that can't be, with those before it told."""
    for latent_id in latent_ids:
        receipts = await admin.revoke(latent_id, timeout=deadline.remaining_seconds())
        reached = "it had reached:" if receipts else "it had reached nobody"
        print(f"{latent_id} revoked; {reached}")
        if receipts:
            print(uses(receipts, indent="  "), flush=True)
