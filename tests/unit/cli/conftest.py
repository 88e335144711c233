"""A cache of one test's own."""

from pathlib import Path

import pytest

from latentflow.cli.settings import Settings


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings.from_environment({"LATENTFLOW_CACHE": str(tmp_path / "cache")})
