"""What `latentflow train` refuses before it loads anything."""

from pathlib import Path

import pytest

from latentflow.cli.commands import run
from latentflow.cli.settings import Settings
from latentflow.errors import InvalidInput, LatentFlowError, UnknownAdapter, UnknownModel


def _words(folder: Path, sharer: str, *more: str) -> list[str]:
    pair = ("--sharer", sharer, "--receiver", str(folder))
    return ["train", *pair, "--out", str(folder / "out"), "--run-folder", str(folder), *more]


@pytest.mark.parametrize("mix", ["memos", "memos=much", "=", "rows.jsonl="])
def test_a_mix_without_a_weight_is_refused(settings: Settings, tmp_path: Path, mix: str) -> None:
    with pytest.raises(InvalidInput, match="SOURCE=WEIGHT"):
        run(_words(tmp_path, str(tmp_path), "--mix", mix), settings)


def test_a_schedule_without_sense_is_refused(settings: Settings, tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="steps"):
        run(_words(tmp_path, str(tmp_path), "--steps", "5", "--imitation-steps", "6"), settings)


def test_a_model_of_no_name_and_no_folder_is_unknown(settings: Settings, tmp_path: Path) -> None:
    with pytest.raises(UnknownModel, match="smollm9"):
        run(_words(tmp_path, "smollm9"), settings)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("more", "error"),
    [
        (("--mix", "none.jsonl=1"), InvalidInput),
        (("--start-from", "nowhere"), UnknownAdapter),
    ],
    ids=lambda given: str(given),
)
def test_what_is_not_there_is_told_before_anything_is_loaded_or_made(
    settings: Settings, tmp_path: Path, more: tuple[str, str], error: type[LatentFlowError]
) -> None:
    with pytest.raises(error):
        run(_words(tmp_path, str(tmp_path), *more), settings)
    assert not (tmp_path / "out").exists()
