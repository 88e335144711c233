"""Two tiny models and a random adapter between them, as folders and loaded."""

import json
from dataclasses import dataclass
from pathlib import Path

from latentflow.latent import Digest
from latentflow.model.adapters import (
    ADAPTER_FILE,
    ReceiverAdapter,
    SharerAdapter,
    load_receiver_adapter,
    load_sharer_adapter,
)
from latentflow.model.backbone import Backbone, load_backbone, load_sharer
from tests.tiny_adapters import write_tiny_adapter
from tests.tiny_models import write_tiny_model

ADAPTER = "tiny"
# The default prompt alone is longer than the tiny models' own window.
POSITIONS = 2048


@dataclass(frozen=True, slots=True, kw_only=True)
class TinyPair:
    """`adapters` is a folder with one adapter, named ADAPTER, of that digest."""

    sharer_folder: Path
    receiver_folder: Path
    adapters: Path
    sharer: Backbone
    receiver: Backbone
    digest: Digest

    def sharer_adapter(self) -> SharerAdapter:
        path = self.adapters / ADAPTER / ADAPTER_FILE
        return load_sharer_adapter(ADAPTER, path, self.sharer)

    def receiver_adapter(self) -> ReceiverAdapter:
        path = self.adapters / ADAPTER / ADAPTER_FILE
        return load_receiver_adapter(ADAPTER, path, self.receiver)


def write_tiny_pair(folder: Path, receiver_family: str = "qwen3") -> TinyPair:
    """A llama as the sharer; the default receiver is of a seed that does not repeat itself."""
    sharer_folder = write_roomy_model(folder / "sharer", "llama")
    receiver_folder = write_roomy_model(folder / "receiver", receiver_family, seed=7)
    sharer, receiver = load_sharer(sharer_folder), load_backbone(receiver_folder)
    adapters = folder / "adapters"
    return TinyPair(
        sharer_folder=sharer_folder,
        receiver_folder=receiver_folder,
        adapters=adapters,
        sharer=sharer,
        receiver=receiver,
        digest=write_tiny_adapter(adapters / ADAPTER, sharer, receiver),
    )


def write_roomy_model(folder: Path, family: str, seed: int = 0) -> Path:
    """A tiny model with POSITIONS positions; its weights know nothing of how many there are."""
    write_tiny_model(folder, family, seed)
    path = folder / "config.json"
    config = json.loads(path.read_text()) | {"max_position_embeddings": POSITIONS}
    path.write_text(json.dumps(config))
    return folder
