"""The catalogue names each model once and pins all of it."""

import pytest

from latentflow.errors import UnknownModel
from latentflow.latent import parse_digest
from latentflow.model.catalogue import CATALOGUE, entry_of

ENTRIES = {entry.name: entry for entry in CATALOGUE}


def test_names_are_unique() -> None:
    assert len(ENTRIES) == len(CATALOGUE)


@pytest.mark.parametrize("name", ENTRIES)
def test_an_entry_is_found_by_its_name(name: str) -> None:
    assert entry_of(name) is ENTRIES[name]


def test_a_name_that_is_not_there_is_an_unknown_model() -> None:
    with pytest.raises(UnknownModel) as raised:
        entry_of("smollm9")
    assert raised.value.model == "smollm9"


@pytest.mark.parametrize("name", ENTRIES)
def test_every_wheel_is_pinned_to_a_version_and_its_bytes(name: str) -> None:
    for wheel in ENTRIES[name].wheels:
        assert "==" in wheel.requirement
        parse_digest(wheel.sha256, "sha256")
