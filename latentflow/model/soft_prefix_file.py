"""A soft prefix on disk: one safetensors file with its sizes and the receiver it is for.

Owns the format; nothing is ever unpickled.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file

from latentflow.errors import AdapterCorrupt, InvalidInput, UnknownAdapter
from latentflow.latent import require_same
from latentflow.model.adapter_file import METADATA_KEY, adapter_digest, write_tensors
from latentflow.model.backbone import Backbone
from latentflow.model.method import spec_from_json
from latentflow.model.soft_prefix import SoftPrefix, SoftSpec

SOFT_PREFIX_FILE = "soft_prefix.safetensors"


def write_soft_prefix(
    path: Path, prefix: SoftPrefix, spec: SoftSpec, receiver: Backbone, card: Mapping[str, object]
) -> None:
    """`card` tells of its training. Raises as `write_tensors`."""
    about = {"spec": asdict(spec), "receiver": asdict(receiver.identity), "card": card}
    path.parent.mkdir(parents=True, exist_ok=True)
    write_tensors(path, prefix.state_dict(), json.dumps(about))


def load_soft_prefix(path: Path, receiver: Backbone) -> SoftPrefix:
    """Raises UnknownAdapter, AdapterCorrupt, IdentityMismatch when made for another receiver."""
    about = _about(path)
    try:
        spec = spec_from_json(SoftSpec, about["spec"])
        made_for = str(about["receiver"]["weights"])
        prefix = SoftPrefix(spec)
        prefix.load_state_dict(load_file(path))
    except (KeyError, TypeError, InvalidInput, RuntimeError) as error:
        raise AdapterCorrupt(path=str(path), problem="is not a soft prefix") from error
    require_same(made_for, receiver.identity.weights, "receiver.weights")
    return prefix.to(receiver.device).requires_grad_(False).eval()


def describe_soft_prefix(path: Path) -> dict[str, object]:
    """How large it is and what its card tells. Raises UnknownAdapter, AdapterCorrupt."""
    card = _about(path).get("card", {})
    parameters = sum(tensor.numel() for tensor in load_file(path).values())
    return {"parameters": parameters, "digest": adapter_digest(path), "card": card}


def _about(path: Path) -> dict[str, dict[str, object]]:
    if not path.is_file():
        raise UnknownAdapter(adapter=str(path))
    try:
        with safe_open(path, framework="pt") as file:
            about: dict[str, dict[str, object]] = dict(json.loads(file.metadata()[METADATA_KEY]))
            return about
    except (SafetensorError, OSError, KeyError, TypeError, ValueError) as error:
        raise AdapterCorrupt(path=str(path), problem="is not a soft prefix") from error
