"""The tiny pair of models, written and loaded once a session."""

import pytest

from tests.tiny_pair import TinyPair, write_tiny_pair


@pytest.fixture(scope="session")
def pair(tmp_path_factory: pytest.TempPathFactory) -> TinyPair:
    return write_tiny_pair(tmp_path_factory.mktemp("pair"))
