"""A model's digests follow its bytes."""

import json
import os
from pathlib import Path

import pytest

from latentflow.errors import ModelFilesCorrupt
from latentflow.model.identity import DIGESTS_FILE, identify, write_digests
from tests.tiny_models import write_tiny_model

PARTS = {"model.safetensors": "weights", "tokenizer.json": "tokenizer", "config.json": "config"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_tiny_model(tmp_path / "tiny", "llama")


def change_config(folder: Path, **fields: object) -> None:
    config = folder / "config.json"
    config.write_text(json.dumps(json.loads(config.read_text()) | fields))


def change(folder: Path, file: str) -> None:
    if file == "config.json":
        change_config(folder, rms_norm_eps=0.5)
        return
    with (folder / file).open("ab") as stream:
        stream.write(b" ")


@pytest.mark.parametrize("file", PARTS)
def test_changing_a_file_changes_only_its_digest(folder: Path, file: str) -> None:
    before = identify(folder)
    change(folder, file)
    after = identify(folder)
    changed = {part for part in PARTS.values() if getattr(before, part) != getattr(after, part)}
    assert changed == {PARTS[file]}


def test_who_wrote_the_config_is_not_part_of_the_model(folder: Path) -> None:
    before = identify(folder)
    change_config(folder, transformers_version="9.9", _name_or_path="elsewhere")
    assert identify(folder) == before


def test_a_config_that_is_no_object_is_named(folder: Path) -> None:
    (folder / "config.json").write_text("[1]")
    with pytest.raises(ModelFilesCorrupt, match=r"config\.json"):
        identify(folder)


@pytest.mark.parametrize("file", PARTS)
def test_a_missing_file_is_named(folder: Path, file: str) -> None:
    (folder / file).unlink()
    with pytest.raises(ModelFilesCorrupt, match=f"{PARTS[file]} is missing"):
        identify(folder)


def test_the_same_seed_is_the_same_model_and_another_is_not(tmp_path: Path) -> None:
    first, same, other = (
        identify(write_tiny_model(tmp_path / name, "llama", seed))
        for name, seed in (("a", 1), ("b", 1), ("c", 2))
    )
    assert first.weights == same.weights != other.weights


def test_digests_on_file_are_what_reading_every_byte_gives(folder: Path) -> None:
    read = identify(folder)
    assert write_digests(folder) == read == identify(folder)


def test_digests_on_file_are_used_while_sizes_and_times_hold(folder: Path) -> None:
    identity = write_digests(folder)
    text = (folder / DIGESTS_FILE).read_text()
    (folder / DIGESTS_FILE).write_text(text.replace(identity.config, "0" * 64))
    assert identify(folder).config == "0" * 64


def test_digests_on_file_do_not_outlive_a_change(folder: Path) -> None:
    identity = write_digests(folder)
    change_config(folder, rms_norm_eps=0.5)
    assert identify(folder).config != identity.config


def test_digests_on_file_do_not_outlive_a_change_of_equal_size(folder: Path) -> None:
    identity = write_digests(folder)
    tokenizer = folder / "tokenizer.json"
    tokenizer.write_bytes(tokenizer.read_bytes()[:-1] + b" ")
    os.utime(tokenizer, ns=(1, 1))
    assert identify(folder).tokenizer != identity.tokenizer


def test_a_damaged_digests_file_is_named(folder: Path) -> None:
    (folder / DIGESTS_FILE).write_text("{}")
    with pytest.raises(ModelFilesCorrupt, match=DIGESTS_FILE):
        identify(folder)
