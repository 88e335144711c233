"""The key ring that an action changes: named alike by all, written whole or not at all."""

from argparse import ArgumentParser
from pathlib import Path

from latentflow.files import whole_file
from latentflow.rpc.auth_interceptor import DEFAULT_TENANT
from latentflow.sealing.key_ring import KeyRing, key_ring_to_text


def add_ring_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("ring", type=Path, metavar="RING")
    parser.add_argument("--tenant", default=DEFAULT_TENANT, metavar="NAME")
    parser.add_argument("--id", required=True, metavar="ID", help="names the key; never used again")


def write_key_ring(path: Path, ring: KeyRing) -> None:
    """For its owner alone. Raises InvalidInput naming the file."""
    with whole_file(path, overwrite=True) as file:
        file.write(key_ring_to_text(ring).encode())
