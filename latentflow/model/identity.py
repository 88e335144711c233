"""Which model a folder holds, down to its bytes: streaming SHA-256 over its files.

Owns the digests and their cache file; knows nothing of torch. The config's digest covers what it
says, not how: a later transformers that writes the same model is the same model.
"""

import hashlib
import json
from collections.abc import Callable, Sequence
from pathlib import Path

from latentflow.errors import ModelFilesCorrupt
from latentflow.latent import Digest, ModelIdentity

DIGESTS_FILE = "latentflow-digests.json"

_CHUNK_BYTES = 1 << 20
# Who wrote the config and where from: says nothing about what the model computes.
_BOOKKEEPING = ("transformers_version", "_name_or_path", "_model_name_or_path")


def identify(folder: Path) -> ModelIdentity:
    """Digests of weights, tokenizer and config of a local model; named after its folder.

    Reads every byte unless `write_digests` left digests whose sizes and times still hold.
    Raises ModelFilesCorrupt when one of the files is missing.
    """
    files = _files(folder)
    digests = _cached(folder, files)
    if digests is None:
        digests = {part: _DIGEST_OF[part](*paths) for part, paths in files.items()}
    return ModelIdentity(name=folder.resolve().name, **digests)


def write_digests(folder: Path) -> ModelIdentity:
    """Computes the digests and leaves them beside the model, so that loading is cheap."""
    (folder / DIGESTS_FILE).unlink(missing_ok=True)
    identity = identify(folder)
    digests = {part: getattr(identity, part) for part in ("weights", "tokenizer", "config")}
    record = {"stamp": _stamp(_files(folder)), "digests": digests}
    (folder / DIGESTS_FILE).write_text(json.dumps(record, indent=1) + "\n")
    return identity


def file_digest(*paths: Path) -> Digest:
    """SHA-256 over the bytes of the files, one after the other."""
    sha256 = hashlib.sha256()
    for path in paths:
        with path.open("rb") as stream:
            while chunk := stream.read(_CHUNK_BYTES):
                sha256.update(chunk)
    return Digest(sha256.hexdigest())


def _config_digest(path: Path) -> Digest:
    """SHA-256 over the config's canonical JSON. Raises ModelFilesCorrupt when it is no object."""
    try:
        config = dict(json.loads(path.read_bytes()))
    except (ValueError, TypeError) as error:
        raise ModelFilesCorrupt(path=str(path), problem="not a JSON object") from error
    said = {key: value for key, value in config.items() if key not in _BOOKKEEPING}
    return Digest(hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest())


_DIGEST_OF: dict[str, Callable[..., Digest]] = {
    "weights": file_digest,
    "tokenizer": file_digest,
    "config": _config_digest,
}


def _files(folder: Path) -> dict[str, list[Path]]:
    files = {
        "weights": sorted(folder.glob("*.safetensors")),
        "tokenizer": sorted(folder.glob("tokenizer.json")),
        "config": sorted(folder.glob("config.json")),
    }
    for part, paths in files.items():
        if not paths:
            raise ModelFilesCorrupt(path=str(folder), problem=f"{part} is missing")
    return files


def _stamp(files: dict[str, list[Path]]) -> list[list[str | int]]:
    return [_file_stamp(path) for paths in files.values() for path in paths]


def _file_stamp(path: Path) -> list[str | int]:
    status = path.stat()
    return [path.name, status.st_size, status.st_mtime_ns]


def _cached(folder: Path, files: dict[str, list[Path]]) -> dict[str, Digest] | None:
    """The digests on file, or None when there are none or a model file has changed since."""
    path = folder / DIGESTS_FILE
    if not path.exists():
        return None
    try:
        record = json.loads(path.read_text())
        stamp, digests = record["stamp"], _only_parts(record["digests"], list(files))
    except (ValueError, KeyError, TypeError) as error:
        raise ModelFilesCorrupt(path=str(path), problem="not a digests file") from error
    return digests if stamp == _stamp(files) else None


def _only_parts(digests: dict[str, str], parts: Sequence[str]) -> dict[str, Digest]:
    return {part: Digest(digests[part]) for part in parts}
