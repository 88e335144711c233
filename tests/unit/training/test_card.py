"""A card tells what was trained on what, for how long, and what was measured if anything was."""

import json
from pathlib import Path

import pytest

from latentflow.latent import Method
from latentflow.model.prefix import prefix_spec
from latentflow.training.card import card_of, write_card
from latentflow.training.curves import CURVES_FILE
from latentflow.training.learner import Learner
from latentflow.training.loop import Schedule
from latentflow.training.pair import Pair
from latentflow.training.plan import Plan
from latentflow.training.prefix_learner import PrefixLearner
from latentflow.training.processes import Processes

COMMAND = "latentflow train --sharer a --receiver b --out mine --seed 3"
CARD = {
    "command": COMMAND,
    "method": "lcf-prefix",
    "sharer": "small",
    "receiver": "other",
    "mix": {"memos": 0.5, "rows.jsonl": 0.25},
    "schedule": {"steps": 2000, "contexts_a_step": 8, "imitation_steps": 100, "seed": 3},
    "start": {"weighted_r2": 0.8, "seconds": 215.7},
    "training_seconds": 9060,
    "final_loss": 0.61234,
    "validation_loss": {"256": 0.7, "64": 0.91},
    "parameters": 6_897_928,
    "device": "cuda",
    "precision": "bfloat16",
    "processes": 4,
}


@pytest.fixture
def learner(pair: Pair) -> Learner:
    return PrefixLearner(
        pair, prefix_spec(pair.sharer.shape, pair.receiver.shape, width=16, stride=1)
    )


@pytest.fixture
def finished(tmp_path: Path) -> Path:
    """The folder of a run that was stopped after 30 seconds and resumed for 20."""
    folder = tmp_path / "run"
    folder.mkdir()
    lines = [
        {"step": step, "loss": 4.0 - step, "budget": 16, "seconds": seconds}
        for step, seconds in enumerate((10.0, 30.0, 5.0, 20.0))
    ]
    (folder / "progress.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    validation = {"step": 4, "budget": 16, "loss": 2.5}
    (folder / "validation.jsonl").write_text(json.dumps(validation) + "\n")
    (folder / "start.json").write_text('{"seconds": 60.0}')
    return folder


def _plan() -> Plan:
    return Plan(
        sharer=Path("a"),
        receiver=Path("b"),
        mix=(("memos", 1.0), ("data/rows.jsonl", 2.0)),
        schedule=Schedule(steps=4, imitation_steps=0, seed=3),
    )


def test_a_card_tells_of_its_run(learner: Learner, finished: Path) -> None:
    card = card_of(_plan(), learner, finished, COMMAND, Processes(count=2))
    assert card["command"] == COMMAND
    assert card["method"] == Method.LCF_PREFIX
    assert card["mix"] == {"memos": 1.0, "rows.jsonl": 2.0}
    assert card["training_seconds"] == 50
    assert card["final_loss"] == 2.5
    assert card["validation_loss"] == {"16": 2.5}
    assert (card["device"], card["precision"], card["processes"]) == ("cpu", "float32", 2)
    assert json.loads(json.dumps(card)).keys() == card.keys()


def test_the_card_for_people_says_it_in_words(tmp_path: Path) -> None:
    text = write_card(tmp_path, CARD).read_text()
    assert "`lcf-prefix` from small to other: 6,897,928 parameters, 0.0 MB." in text
    assert "| data | memos 0.5, rows.jsonl 0.25 |" in text
    assert "| steps | 2000 of 8 contexts, the first 100 imitating a reader; seed 3 |" in text
    assert "| start | 4 min |" in text
    assert "| time | 2 h 31 min |" in text
    assert "| on | 4 x cuda, models in bfloat16 |" in text
    assert "| validation loss by budget | 256: 0.700, 64: 0.910 |" in text
    assert f"```\n{COMMAND}\n```" in text


def test_what_was_not_measured_is_said_to_be_so(tmp_path: Path) -> None:
    assert "Not measured yet" in write_card(tmp_path, CARD).read_text()
    assert "Not measured yet" not in write_card(tmp_path, CARD, "| table |").read_text()


def test_curves_are_shown_where_they_lie_beside_the_card(tmp_path: Path) -> None:
    assert CURVES_FILE not in write_card(tmp_path, CARD).read_text()
    (tmp_path / CURVES_FILE).touch()
    assert f"]({CURVES_FILE})" in write_card(tmp_path, CARD).read_text()


def test_a_card_without_details_still_has_its_results(tmp_path: Path) -> None:
    assert "| table |" in write_card(tmp_path, {}, "| table |").read_text()


def test_what_people_wrote_of_the_results_stands_behind_them(tmp_path: Path) -> None:
    (tmp_path / "NOTES.md").write_text("## Against the targets\n\nA quarter is missed.\n")
    text = write_card(tmp_path, CARD, "| arm | EM |").read_text()
    assert text.index("| arm | EM |") < text.index("A quarter is missed.") < text.index("## Train")
