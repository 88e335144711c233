"""The `latentflow` command as its users run it, with models small enough to start in seconds."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from latentflow.model.backbone import load_backbone
from tests.e2e.command_line import CommandLine
from tests.tiny_adapters import write_tiny_adapter
from tests.tiny_models import write_tiny_model


@pytest.fixture(scope="session")
def tiny_options(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The options that name a sharer's model, a receiver's, and an adapter between them."""
    folder = tmp_path_factory.mktemp("tiny")
    sharer = write_tiny_model(folder / "sharer", "llama", seed=4)
    receiver = write_tiny_model(folder / "receiver", "gemma3", seed=2)
    write_tiny_adapter(folder / "adapters" / "tiny", load_backbone(sharer), load_backbone(receiver))
    return [
        *("--sharer-model", str(sharer)),
        *("--receiver-model", str(receiver)),
        *("--adapters", str(folder / "adapters")),
    ]


@pytest.fixture
def latentflow(tmp_path: Path) -> Iterator[CommandLine]:
    """With a cache of the test's own; what it started is ended with the test."""
    environment = {**os.environ, "LATENTFLOW_CACHE": str(tmp_path / "cache")}
    command_line = CommandLine(environment)
    yield command_line
    command_line.end()


@pytest.fixture
def memo(tmp_path: Path) -> Path:
    path = tmp_path / "memo.txt"
    path.write_text("The lamp in the hall is green. Ask Bo.")
    return path
