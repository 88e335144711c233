"""`latentflow wordings` on tiny models."""

import json
from pathlib import Path

import pytest

from latentflow.cli.commands import run
from latentflow.cli.settings import Settings
from latentflow.errors import InvalidInput
from latentflow.model.orders import ORDERS
from tests.tiny_pair import ADAPTER, TinyPair, write_tiny_pair


@pytest.fixture(scope="module")
def words(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    pair: TinyPair = write_tiny_pair(tmp_path_factory.mktemp("pair"))
    return [
        *("wordings", "--adapter", str(pair.adapters / ADAPTER), "--tokens", "4"),
        *("--sharer", str(pair.sharer_folder), "--receiver", str(pair.receiver_folder)),
    ]


def test_every_order_is_listed_for_every_set_with_the_question_and_without(
    words: list[str], settings: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = tmp_path / "rows.jsonl"
    case = {"question": "Who?", "answers": ["Bo"]}
    rows.write_text("\n".join(json.dumps(case | {"context": f"Bo is {n}."}) for n in range(9)))
    run([*words, "--data", "memos", "--data", str(rows), "--limit", "2"], settings)
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert [line[0] for line in lines].count("rows") == 2
    for order in ORDERS:
        assert [line[0] for line in lines].count(order.name) == 4


@pytest.mark.parametrize("options", [["--data", "none.jsonl"], ["--limit", "0"]], ids=str)
def test_bad_input_is_told(words: list[str], settings: Settings, options: list[str]) -> None:
    with pytest.raises(InvalidInput):
        run([*words, *options], settings)
