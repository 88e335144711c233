"""`latentflow keys revoke RING --id ID`: takes a tenant's key out of a ring."""

from argparse import ArgumentParser, Namespace

from latentflow.cli.keys.ring_file import add_ring_arguments, write_key_ring
from latentflow.cli.settings import Settings
from latentflow.latent import Tenant
from latentflow.sealing.key_files import read_key_ring


def add_arguments(parser: ArgumentParser, settings: Settings) -> None:
    add_ring_arguments(parser)


def run(arguments: Namespace, settings: Settings) -> None:
    ring = read_key_ring(arguments.ring)
    write_key_ring(arguments.ring, ring.without_key(Tenant(arguments.tenant), arguments.id))
    print(f"{arguments.tenant} has no key {arguments.id} any more")
