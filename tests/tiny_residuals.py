"""Random `lcf`, `lcf-x` and `c2c` adapters between tiny models, in folders that load like trained
ones."""

from dataclasses import asdict
from pathlib import Path

import torch

from latentflow.latent import Digest, Method
from latentflow.model.adapter_file import AdapterHeader, write_adapter
from latentflow.model.adapters import ADAPTER_FILE
from latentflow.model.backbone import Backbone
from latentflow.model.halves import receiver_half, sharer_half
from latentflow.model.residual_spec import residual_spec
from tests.tiny_adapters import FORM

WIDTH = 8


def write_tiny_residual(
    folder: Path, method: Method, sharer: Backbone, receiver: Backbone
) -> Digest:
    """Every gate is open. The same arguments write the same file. Returns its digest."""
    values = asdict(residual_spec(sharer.shape, receiver.shape, width=WIDTH))
    with torch.random.fork_rng():
        torch.manual_seed(0)
        halves = {
            "encoder": sharer_half(method, values, sharer),
            "decoder": receiver_half(method, values, receiver),
        }
    torch.nn.init.ones_(halves["decoder"].get_parameter("gates.logits_L2"))
    tensors = {
        f"{half}.{name}": tensor
        for half, module in halves.items()
        for name, tensor in module.state_dict().items()
    }
    header = AdapterHeader(
        method=method,
        sharer=sharer.identity,
        receiver=receiver.identity,
        hyperparameters=values,
        prompt=FORM,
        card={},
    )
    folder.mkdir(parents=True, exist_ok=True)
    return write_adapter(folder / ADAPTER_FILE, header, tensors)
