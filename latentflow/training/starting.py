"""Going on from an adapter that is there: its halves are the start of a new run.

Owns the checks; what a run starts from otherwise is its learner's `prepare`.
"""

import json
from dataclasses import asdict
from pathlib import Path

from latentflow.errors import AdapterCorrupt, InvalidInput, UnknownAdapter, UnsupportedMethod
from latentflow.latent import require_same
from latentflow.model.adapter_file import (
    Half,
    adapter_digest,
    check_identity,
    read_half,
    read_header,
)
from latentflow.model.adapters import ADAPTER_FILE
from latentflow.training.learner import Learner


def start_file(adapter: Path) -> Path:
    """The adapter of a folder. Raises UnknownAdapter."""
    path = adapter / ADAPTER_FILE
    if not path.is_file():
        raise UnknownAdapter(adapter=str(adapter))
    return path


def begin_from(learner: Learner, adapter: Path) -> dict[str, object]:
    """Loads the adapter of a folder into `learner`; returns what its own card says.

    Raises UnknownAdapter, AdapterCorrupt; UnsupportedMethod and IdentityMismatch for one of
    another method or other models; InvalidInput for one of other sizes or another prompt.
    """
    path = start_file(adapter)
    header = read_header(path)
    if set(learner.modules) != set(Half):
        raise UnsupportedMethod(method=learner.method)
    require_same(learner.method, header.method, "method")
    check_identity(
        header, sharer=learner.pair.sharer.identity, receiver=learner.pair.receiver.identity
    )
    _require_same_sizes(learner, dict(header.hyperparameters), adapter)
    if header.prompt != learner.pair.form:
        differing = [
            key
            for key, text in asdict(header.prompt).items()
            if asdict(learner.pair.form)[key] != text
        ]
        raise InvalidInput(field=str(adapter), problem=f"has other {', '.join(differing)}")
    for half in Half:
        tensors = read_half(path, half, device=learner.pair.receiver.device)
        try:
            learner.modules[half].load_state_dict(tensors)
        except RuntimeError as error:
            problem = f"its {half} does not fit its hyperparameters"
            raise AdapterCorrupt(path=str(path), problem=problem) from error
    return {"from": adapter_digest(path), "card": dict(header.card)}


def _require_same_sizes(learner: Learner, theirs: dict[str, object], adapter: Path) -> None:
    ours = json.loads(json.dumps(learner.hyperparameters))
    differing = sorted(key for key in {*ours, *theirs} if ours.get(key) != theirs.get(key))
    if differing:
        problem = f"is an adapter with other {', '.join(differing)}"
        raise InvalidInput(field=str(adapter), problem=problem)
