"""Random `lcf-prefix` adapters between tiny models, in folders that load like trained ones."""

from dataclasses import asdict
from pathlib import Path

import torch

from latentflow.latent import Digest, Method
from latentflow.model.adapter_file import AdapterHeader, write_adapter
from latentflow.model.adapters import ADAPTER_FILE
from latentflow.model.backbone import Backbone
from latentflow.model.prefix import PrefixDecoder, PrefixEncoder, prefix_spec
from latentflow.model.prompt import PromptFormat

WIDTH = 16
# Short, as tiny models have few positions; it ends an answer where random models never do.
FORM = PromptFormat(preamble="Text and question.\n", stop="\x00")


def write_tiny_adapter(
    folder: Path,
    sharer: Backbone,
    receiver: Backbone,
    *,
    seed: int = 0,
    form: PromptFormat = FORM,
) -> Digest:
    """The same arguments write the same file. Returns its digest."""
    spec = prefix_spec(sharer.shape, receiver.shape, width=WIDTH, stride=2)
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        halves = {"encoder": PrefixEncoder(spec), "decoder": PrefixDecoder(spec)}
    tensors = {
        f"{half}.{name}": tensor
        for half, module in halves.items()
        for name, tensor in module.state_dict().items()
    }
    header = AdapterHeader(
        method=Method.LCF_PREFIX,
        sharer=sharer.identity,
        receiver=receiver.identity,
        hyperparameters=asdict(spec),
        prompt=form,
        card={},
    )
    folder.mkdir(parents=True, exist_ok=True)
    return write_adapter(folder / ADAPTER_FILE, header, tensors)
