"""`latentflow eval` through services that it starts, against the same in one process."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.command_line import CommandLine

ROWS = [
    {"context": "Bo has tins. They are red.", "question": "Who?", "answers": ["Bo"]},
    {"context": "Al left at nine.", "question": "When?", "answers": ["nine"]},
]


@pytest.fixture
def words(tiny_options: list[str], tmp_path: Path) -> list[str]:
    data = tmp_path / "rows.jsonl"
    data.write_text("\n".join(map(json.dumps, ROWS)))
    _, sharer, _, receiver, _, adapters = tiny_options
    return [
        *("eval", "--adapter", f"{adapters}/tiny", "--sharer", sharer, "--receiver", receiver),
        *("--data", str(data), "--arms", "matched,deranged", "--times", "0"),
    ]


def evaluated(latentflow: CommandLine, words: list[str], out: Path, *more: str) -> Any:
    done = latentflow.run(*words, "--json", str(out), *more)
    assert done.returncode == 0, done.stderr
    return json.loads(out.read_text())


def answers(report: Any) -> list[dict[str, str]]:
    return [
        {arm: reply["answer"] for arm, reply in case["arms"].items()} for case in report["cases"]
    ]


def test_services_and_one_process_answer_alike(
    latentflow: CommandLine, words: list[str], tmp_path: Path
) -> None:
    here = evaluated(latentflow, words, tmp_path / "here.json")
    served = evaluated(latentflow, words, tmp_path / "served.json", "--serve")
    assert answers(served) == answers(here)
    assert (here["served"], served["served"]) == (False, True)
    assert served["arms"]["matched"]["ttft_ms"]["median"] > 0


def test_an_evaluation_that_fails_says_why_in_one_line(
    latentflow: CommandLine, words: list[str], tmp_path: Path
) -> None:
    failed = latentflow.run(*words, "--json", str(tmp_path / "out.json"), "--limit", "1")
    assert failed.returncode == 1
    assert failed.stderr.splitlines()[-1] == "latentflow: cases: needs two to exchange latents"
