"""The adapter file: one safetensors file that says what it is and for whom.

Owns the format: one JSON object in the metadata under `latentflow`, tensors `encoder.*` (the
sharer's half) and `decoder.*` (the receiver's). Nothing is ever unpickled. Knows no method's
modules.
"""

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields
from enum import StrEnum
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from latentflow.errors import (
    AdapterCorrupt,
    EmptyInput,
    InvalidInput,
    LatentFlowError,
    UnknownAdapter,
)
from latentflow.latent import Digest, Method, ModelIdentity
from latentflow.model.identity import file_digest
from latentflow.model.prompt import PromptFormat, prompt_format

FORMAT_VERSION = 1
METADATA_KEY = "latentflow"  # one key: safetensors writes several in an order that changes


class Half(StrEnum):
    """Which side of the wire a tensor belongs to; its name's first part."""

    ENCODER = "encoder"
    DECODER = "decoder"


@dataclass(frozen=True, slots=True, kw_only=True)
class AdapterHeader:
    """What an adapter is: its method, the two models it joins, and how to rebuild its modules.

    `hyperparameters` are the method's own; `card` tells of its training. Both are JSON objects.
    """

    method: Method
    sharer: ModelIdentity
    receiver: ModelIdentity
    hyperparameters: Mapping[str, object]
    prompt: PromptFormat
    card: Mapping[str, object]

    def __post_init__(self) -> None:
        if self.method is Method.TEXT:
            raise InvalidInput(field="method", problem="text needs no adapter")
        for field in ("hyperparameters", "card"):
            if not isinstance(getattr(self, field), Mapping):
                raise InvalidInput(field=field, problem="must be a JSON object")


def write_adapter(path: Path, header: AdapterHeader, tensors: Mapping[str, Tensor]) -> Digest:
    """Writes `tensors` in float16, whole or not at all, and returns the file's digest.

    Raises EmptyInput when a half is missing; InvalidInput on a foreign name or a value that
    float16 can't hold.
    """
    for half in Half:
        if not any(name.startswith(f"{half}.") for name in tensors):
            raise EmptyInput(field=half)
    foreign = [name for name in tensors if name.split(".", 1)[0] not in set(Half)]
    if foreign:
        raise InvalidInput(field=foreign[0], problem="must begin with encoder. or decoder.")
    write_tensors(path, tensors, _header_json(header))
    return adapter_digest(path)


def write_tensors(path: Path, tensors: Mapping[str, Tensor], about: str) -> None:
    """In float16, whole or not at all, with a JSON object of what they are.

    Raises InvalidInput for a value that float16 can't hold.
    """
    stored = {name: _half_precision(name, tensor) for name, tensor in tensors.items()}
    partial = path.with_name(f".{path.name}.partial")
    save_file(stored, partial, metadata={METADATA_KEY: about})
    partial.chmod(0o644)  # safetensors makes it private; services run as other users
    os.replace(partial, path)


def read_header(path: Path) -> AdapterHeader:
    """Raises UnknownAdapter without a file, AdapterCorrupt for anything missing or malformed."""
    with _opened(path) as file:
        metadata = file.metadata() or {}
    if METADATA_KEY not in metadata:
        raise AdapterCorrupt(path=str(path), problem=f"has no {METADATA_KEY} metadata")
    return _parsed(metadata[METADATA_KEY], path)


def read_half(path: Path, half: Half, *, device: torch.device) -> dict[str, Tensor]:
    """One half's tensors in float32, named without the half; the other half is not read.

    Raises UnknownAdapter, AdapterCorrupt.
    """
    with _opened(path) as file:
        names = [name for name in file.keys() if name.startswith(f"{half}.")]  # noqa: SIM118
        tensors = {name.split(".", 1)[1]: file.get_tensor(name) for name in names}
    if not tensors:
        raise AdapterCorrupt(path=str(path), problem=f"has no {half}")
    for name, tensor in tensors.items():
        if tensor.dtype != torch.float16 or not bool(tensor.isfinite().all()):
            raise AdapterCorrupt(path=str(path), problem=f"{half}.{name} is not finite float16")
    return {name: tensor.to(device, torch.float32) for name, tensor in tensors.items()}


def adapter_digest(path: Path) -> Digest:
    """SHA-256 of the file. Raises UnknownAdapter."""
    if not path.is_file():
        raise UnknownAdapter(adapter=path.name)
    return file_digest(path)


def check_identity(
    header: AdapterHeader,
    *,
    sharer: ModelIdentity | None = None,
    receiver: ModelIdentity | None = None,
) -> None:
    """Raises IdentityMismatch naming the first field in which a loaded model differs.

    Each process checks the side it serves.
    """
    if sharer is not None:
        header.sharer.require_same(sharer, "sharer")
    if receiver is not None:
        header.receiver.require_same(receiver, "receiver")


def _half_precision(name: str, tensor: Tensor) -> Tensor:
    stored = tensor.detach().to("cpu", torch.float16).contiguous()
    if not bool(stored.isfinite().all()):
        raise InvalidInput(field=name, problem="has values that float16 can't hold")
    return stored


def _header_json(header: AdapterHeader) -> str:
    values = {
        "format_version": FORMAT_VERSION,
        "method": header.method,
        "sharer": asdict(header.sharer),
        "receiver": asdict(header.receiver),
        "hyperparameters": dict(header.hyperparameters),
        "prompt": asdict(header.prompt),
        "card": dict(header.card),
    }
    return json.dumps(values, sort_keys=True)


def _parsed(text: str, path: Path) -> AdapterHeader:
    try:
        return _header(json.loads(text))
    except KeyError as error:
        raise AdapterCorrupt(path=str(path), problem=f"has no {error.args[0]}") from error
    except (LatentFlowError, ValueError, TypeError) as error:
        raise AdapterCorrupt(path=str(path), problem=f"metadata: {error}") from error


def _header(values: dict[str, Any]) -> AdapterHeader:
    if values["format_version"] != FORMAT_VERSION:
        raise InvalidInput(field="format_version", problem=f"must be {FORMAT_VERSION}")
    return AdapterHeader(
        method=Method(values["method"]),
        sharer=_identity(values["sharer"]),
        receiver=_identity(values["receiver"]),
        hyperparameters=values["hyperparameters"],
        prompt=prompt_format(values["prompt"]),
        card=values["card"],
    )


def _identity(values: object) -> ModelIdentity:
    names = {field.name for field in fields(ModelIdentity)}
    if not isinstance(values, dict) or set(values) != names:
        raise InvalidInput(field="identity", problem=f"must have {', '.join(sorted(names))}")
    return ModelIdentity(**values)


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    if not path.is_file():
        raise UnknownAdapter(adapter=path.name)
    try:
        with safe_open(path, framework="pt") as file:
            yield file
    except PermissionError as error:
        raise AdapterCorrupt(path=str(path), problem="may not be read by this user") from error
    except (SafetensorError, OSError) as error:
        raise AdapterCorrupt(path=str(path), problem="is not a whole safetensors file") from error
