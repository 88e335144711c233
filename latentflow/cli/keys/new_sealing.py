"""`latentflow keys new sealing RING --id ID`: a tenant's new key, its current one from now on."""

from argparse import ArgumentParser, Namespace
from pathlib import Path

from latentflow.cli.keys.ring_file import add_ring_arguments, write_key_ring
from latentflow.cli.settings import Settings
from latentflow.latent import Tenant
from latentflow.sealing.key_files import read_key_ring
from latentflow.sealing.key_ring import KeyRing


def add_arguments(parser: ArgumentParser, settings: Settings) -> None:
    add_ring_arguments(parser)


def run(arguments: Namespace, settings: Settings) -> None:
    path: Path = arguments.ring
    ring = read_key_ring(path) if path.exists() else KeyRing()
    write_key_ring(path, ring.with_new_key(Tenant(arguments.tenant), arguments.id))
    print(f"{arguments.tenant} seals with {arguments.id}")
