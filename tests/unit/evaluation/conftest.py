"""A handoff between two tiny models, loaded once."""

import pytest

from latentflow.evaluation.handoff import Handoff
from tests.tiny_pair import TinyPair, write_tiny_pair


@pytest.fixture(scope="session")
def pair(tmp_path_factory: pytest.TempPathFactory) -> TinyPair:
    return write_tiny_pair(tmp_path_factory.mktemp("pair"))


@pytest.fixture(scope="session")
def handoff(pair: TinyPair) -> Handoff:
    return Handoff(
        sharer=pair.sharer,
        receiver=pair.receiver,
        encoder=pair.sharer_adapter(),
        decoder=pair.receiver_adapter(),
    )
