"""`latentflow prune` on tiny models: the smaller adapter it writes, and what it refuses."""

import json
from pathlib import Path

import pytest

from latentflow.cli.commands import run
from latentflow.cli.settings import Settings
from latentflow.errors import EmptyInput, InvalidInput, UnknownAdapter, UnsupportedMethod
from latentflow.latent import Method
from latentflow.model.adapter_file import read_header
from latentflow.model.adapters import (
    ADAPTER_FILE,
    load_receiver_adapter,
    load_sharer_adapter,
)
from latentflow.training.parts import Part
from latentflow.training.run import part_of
from tests.tiny_pair import ADAPTER, TinyPair, write_tiny_pair
from tests.tiny_residuals import write_tiny_residual

ROWS = [
    {"context": "Bo has tins.", "question": "Who?", "answers": ["Bo"]},
    {"context": "Al left at nine.", "question": "When?", "answers": ["nine", "9"]},
]


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> TinyPair:
    pair = write_tiny_pair(tmp_path_factory.mktemp("pair"))
    write_tiny_residual(pair.adapters / "lcf", Method.LCF, pair.sharer, pair.receiver)
    return pair


@pytest.fixture
def data(tmp_path: Path) -> Path:
    path = tmp_path / "rows.jsonl"
    path.write_text("\n".join(map(json.dumps, ROWS)))
    return path


def _words(pair: TinyPair, data: Path, out: Path, /, **options: object) -> list[str]:
    given = {
        "adapter": pair.adapters / "lcf",
        "sharer": pair.sharer_folder,
        "receiver": pair.receiver_folder,
        "data": data,
        "keep": 1,
        "out": out,
    } | options
    return ["prune", *(word for name in given for word in (f"--{name}", str(given[name])))]


def test_a_smaller_adapter_is_written_that_loads(
    pair: TinyPair, data: Path, tmp_path: Path, settings: Settings
) -> None:
    run(_words(pair, data, tmp_path / "out"), settings)
    path, whole = tmp_path / "out" / ADAPTER_FILE, pair.adapters / "lcf" / ADAPTER_FILE
    header = read_header(path)
    layers = header.hyperparameters["layers"]
    assert isinstance(layers, list)
    assert len(layers) == 1
    pruned = header.card["pruned"]
    assert isinstance(pruned, dict)
    assert pruned["layers"] == layers
    assert path.stat().st_size < 0.5 * whole.stat().st_size
    load_sharer_adapter("out", path, pair.sharer)
    load_receiver_adapter("out", path, pair.receiver)


def test_the_adapter_itself_stays(
    pair: TinyPair, data: Path, tmp_path: Path, settings: Settings
) -> None:
    path = pair.adapters / "lcf" / ADAPTER_FILE
    before = path.read_bytes()
    run(_words(pair, data, tmp_path / "out"), settings)
    assert path.read_bytes() == before


def test_a_prefix_has_no_layers_to_drop(
    pair: TinyPair, data: Path, tmp_path: Path, settings: Settings
) -> None:
    with pytest.raises(UnsupportedMethod):
        run(_words(pair, data, tmp_path / "out", adapter=pair.adapters / ADAPTER), settings)
    assert not (tmp_path / "out").exists()


def test_what_is_kept_for_the_test_does_not_decide(
    pair: TinyPair, tmp_path: Path, settings: Settings
) -> None:
    rows: list[dict[str, object]] = [{"text": f"Bo has {number} tins."} for number in range(40)]
    path = tmp_path / "rows.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)))
    test = {case.context for case in part_of(path, Part.TEST)}
    question = {"question": "How many?", "answers": ["some"]}
    asked = [row | question if row["text"] in test else row for row in rows]
    path.write_text("\n".join(map(json.dumps, asked)))
    with pytest.raises(EmptyInput):
        run(_words(pair, path, tmp_path / "out"), settings)


@pytest.mark.parametrize("options", [{"keep": 0}, {"limit": 0}, {"data": "none.jsonl"}], ids=str)
def test_what_can_not_be_is_refused(
    pair: TinyPair, data: Path, tmp_path: Path, settings: Settings, options: dict[str, object]
) -> None:
    with pytest.raises(InvalidInput):
        run(_words(pair, data, tmp_path / "out", **options), settings)
    assert not (tmp_path / "out").exists()


def test_data_without_questions_is_refused(
    pair: TinyPair, tmp_path: Path, settings: Settings
) -> None:
    texts = tmp_path / "texts.jsonl"
    texts.write_text(json.dumps({"text": "Bo has tins."}))
    with pytest.raises(EmptyInput):
        run(_words(pair, texts, tmp_path / "out"), settings)


def test_a_folder_without_an_adapter_is_refused(
    pair: TinyPair, data: Path, tmp_path: Path, settings: Settings
) -> None:
    with pytest.raises(UnknownAdapter):
        run(_words(pair, data, tmp_path / "out", adapter=tmp_path), settings)


def test_questions_that_need_a_context_of_the_receivers_own_do_not_count(
    pair: TinyPair, tmp_path: Path, settings: Settings
) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text("\n".join(json.dumps(row | {"receiver_context": "Al."}) for row in ROWS))
    with pytest.raises(EmptyInput, match="questions of"):
        run(_words(pair, path, tmp_path / "out"), settings)


def test_a_card_says_what_is_left(
    pair: TinyPair, data: Path, tmp_path: Path, settings: Settings
) -> None:
    run(_words(pair, data, tmp_path / "out"), settings)
    assert "1 of 3" in (tmp_path / "out" / "README.md").read_text()
