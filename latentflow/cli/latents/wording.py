"""Words and tables that several actions on latents have in common."""

from collections.abc import Iterable, Iterator, Sequence

from latentflow.cli.shown import counted, plain
from latentflow.cli.table import render
from latentflow.dates import utc
from latentflow.latent import Commit, LatentInfo, Manifest, ModelIdentity
from latentflow.relay import Receipt

Line = tuple[str, str]

_USES = ("reader", "generation", "used")


def aligned(lines: Iterable[Line]) -> str:
    """Names, each with its value behind it; names may be empty."""
    lines = list(lines)
    width = max(len(name) for name, _ in lines)
    return "\n".join(f"{name.ljust(width)}  {value}" for name, value in lines)


def party(role: str, identity: ModelIdentity | None) -> Iterator[Line]:
    """A model's name and what tells it from every other."""
    if identity is None:
        yield role, "any: a text message is for every receiver"
        return
    yield role, plain(identity.name)
    yield "", f"weights    {identity.weights}"
    yield "", f"tokenizer  {identity.tokenizer}"
    yield "", f"config     {identity.config}"


def size_of(latent: LatentInfo | Commit) -> str:
    return f"{counted(latent.frames, 'frame')}, {counted(latent.payload_bytes, 'byte')}"


def committed(commit: Commit) -> str:
    return f"{size_of(commit)}, sha256 {commit.sha256}"


def seal_of(manifest: Manifest) -> str:
    seal = manifest.seal
    return "no" if seal is None else f"{seal.algorithm}, key {seal.key_id}"


def signature_of(commit: Commit) -> str:
    return "no" if commit.signature is None else f"ed25519, key {commit.signature.key_id}"


def uses(receipts: Sequence[Receipt], *, indent: str = "") -> str:
    """A table of every use."""
    rows = [(plain(each.reader), plain(each.generation), utc(each.at_ms)) for each in receipts]
    return render(_USES, rows, indent=indent)
