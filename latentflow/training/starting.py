"""Going on from an adapter that is there: its halves are the start of a new run.

Owns the checks; what a run starts from otherwise is its learner's `prepare`.
"""

import json
from pathlib import Path

from latentflow.errors import InvalidInput, UnsupportedMethod
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


def begin_from(learner: Learner, adapter: Path) -> dict[str, object]:
    """Loads the adapter of a folder into `learner`; returns what the card says of it.

    Raises UnknownAdapter, AdapterCorrupt; UnsupportedMethod and IdentityMismatch for one of
    another method or other models; InvalidInput for one of another size.
    """
    path = adapter / ADAPTER_FILE
    header = read_header(path)
    if set(learner.modules) != set(Half):
        raise UnsupportedMethod(method=learner.method)
    require_same(learner.method, header.method, "method")
    check_identity(
        header, sharer=learner.pair.sharer.identity, receiver=learner.pair.receiver.identity
    )
    if json.loads(json.dumps(learner.hyperparameters)) != dict(header.hyperparameters):
        raise InvalidInput(field=str(adapter), problem="is an adapter of another size")
    for half in Half:
        tensors = read_half(path, half, device=learner.pair.receiver.device)
        learner.modules[half].load_state_dict(tensors)
    return {"from": adapter_digest(path)}
