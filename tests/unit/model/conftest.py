"""Tiny backbones of every family, written and loaded once a session."""

from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from latentflow.model.backbone import Backbone, load_backbone
from tests.tiny_models import FAMILIES, write_tiny_model

Load = Callable[[str], Backbone]


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Load:
    """Loads the tiny model of a family; the same object each time."""

    @cache
    def load(family: str) -> Backbone:
        folder: Path = tmp_path_factory.mktemp("models") / family
        return load_backbone(write_tiny_model(folder, family))

    return load


@pytest.fixture(params=sorted(FAMILIES))
def backbone(request: pytest.FixtureRequest, tiny: Load) -> Backbone:
    """One test a family."""
    return tiny(request.param)


@pytest.fixture
def llama(tiny: Load) -> Backbone:
    return tiny("llama")


@pytest.fixture
def gemma(tiny: Load) -> Backbone:
    """The one with two rotary bases and layers of both attentions."""
    return tiny("gemma3")
