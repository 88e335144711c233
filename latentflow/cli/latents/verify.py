"""`latentflow latents verify ID`: fetches a latent and checks every frame and its commit.

Of a sealed latent it checks the outside, as the broker does: it asks for no tenant's keys. What
reads public keys is loaded when there are some: other machines need no cryptography.
"""

from argparse import ArgumentParser, Namespace
from pathlib import Path

from latentflow.cli.broker_work import with_broker
from latentflow.cli.endpoints import add_endpoint_arguments
from latentflow.cli.latents.fetching import fetch_into
from latentflow.cli.latents.wording import aligned, committed, seal_of, signature_of
from latentflow.cli.settings import Settings
from latentflow.errors import SignatureMissing
from latentflow.latent import parse_latent_id
from latentflow.wire.audit import Audit, Audited
from latentflow.wire.manifests import manifest_to_bytes


def add_arguments(parser: ArgumentParser, settings: Settings) -> None:
    parser.add_argument("latent", metavar="ID")
    parser.add_argument(
        "--trusted", type=Path, metavar="FILE", help="must be signed with one of these public keys"
    )
    add_endpoint_arguments(parser, "broker")


def run(arguments: Namespace, settings: Settings) -> None:
    latent_id = parse_latent_id(arguments.latent)
    audit = Audit()
    audited = with_broker(
        arguments,
        settings,
        lambda broker, deadline: fetch_into(audit, broker, latent_id, deadline),
    )
    signed = signature_of(audited.commit)
    if arguments.trusted is not None:
        _require_signed(audited, arguments.trusted)
        signed += ", which holds"
    print(f"{latent_id} holds: {committed(audited.commit)}")
    print(aligned([("sealed", seal_of(audited.manifest)), ("signed", signed)]))


def _require_signed(audited: Audited, trusted: Path) -> None:
    """Raises SignatureMissing, KeyUnknown, SignatureInvalid, or InvalidInput naming the file."""
    from latentflow.sealing.key_files import read_trusted_signers

    manifest, commit = audited.manifest, audited.commit
    if commit.signature is None:
        raise SignatureMissing(latent_id=manifest.latent_id)
    read_trusted_signers(trusted).check(manifest.latent_id, manifest_to_bytes(manifest), commit)
