"""What a report says of what was measured: the adapter, both models, versions, the machine."""

import os
import platform
from dataclasses import asdict
from pathlib import Path

import torch
import transformers

from latentflow.model.adapter_file import AdapterHeader, Half, adapter_digest, read_half

Json = dict[str, object]


def about_adapter(path: Path, header: AdapterHeader) -> Json:
    """`parameters` counts every stored number, statistics of the closed form included."""
    cpu = torch.device("cpu")
    parameters = sum(
        tensor.numel() for half in Half for tensor in read_half(path, half, device=cpu).values()
    )
    return {
        "name": path.parent.name,
        "method": str(header.method),
        "bytes": path.stat().st_size,
        "parameters": parameters,
        "digest": adapter_digest(path),
    }


def about_models(header: AdapterHeader) -> Json:
    """The identities the adapter was made for; other models would have been refused."""
    return {"sharer": asdict(header.sharer), "receiver": asdict(header.receiver)}


def about_machine() -> Json:
    """Versions, and what times depend on."""
    return {
        "versions": {
            "python": platform.python_version(),
            "torch": torch.__version__,
            "transformers": transformers.__version__,
        },
        "machine": {
            "system": platform.platform(),
            "processors": os.cpu_count(),
            "torch_threads": torch.get_num_threads(),
            "cuda": torch.cuda.get_device_name() if torch.cuda.is_available() else None,
        },
    }
