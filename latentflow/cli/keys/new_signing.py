"""`latentflow keys new signing FILE`: a sharer's private key; prints the public one.

What it prints is what receivers keep of those they trust: `>> trusted.pem`.
"""

from argparse import ArgumentParser, Namespace
from pathlib import Path

from latentflow.cli.settings import Settings
from latentflow.files import whole_file
from latentflow.sealing.signing import Signer


def add_arguments(parser: ArgumentParser, settings: Settings) -> None:
    parser.add_argument("file", type=Path, metavar="FILE", help="must not be there yet")


def run(arguments: Namespace, settings: Settings) -> None:
    signer = Signer.new()
    with whole_file(arguments.file, overwrite=False) as file:
        file.write(signer.private_text().encode())
    print(signer.public_text(), end="")
