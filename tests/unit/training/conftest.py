"""A tiny pair of two families, with a prompt short enough for its positions."""

from pathlib import Path

import pytest
import torch

from latentflow.model.backbone import load_backbone
from latentflow.model.prompt import PromptFormat
from latentflow.training.pair import Pair
from tests.tiny_models import write_tiny_model


@pytest.fixture(scope="session")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Pair:
    torch.manual_seed(0)
    folder: Path = tmp_path_factory.mktemp("pair")
    return Pair(
        load_backbone(write_tiny_model(folder / "sharer", "llama")),
        load_backbone(write_tiny_model(folder / "receiver", "gemma3", seed=1)),
        PromptFormat(preamble="Q: hi\nA: ho\n\n"),
    )
