"""The loop learns, tells what it does, and goes on where it was stopped as if it had not been."""

import json
import random
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from latentflow.errors import InvalidInput
from latentflow.training.cases import Case, Question
from latentflow.training.curves import PROGRESS_FILE, VALIDATION_FILE
from latentflow.training.learner import Learner
from latentflow.training.loop import Material, Schedule, train
from latentflow.training.objective import answer_loss
from latentflow.training.pair import Pair
from tests.unit.training.learning import BITS, CASE, OTHER, quick_learner

MATERIAL = Material(draw=lambda: CASE)


def _schedule(steps: int, **changes: Any) -> Schedule:
    sizes: dict[str, Any] = {"imitation_steps": 2, "warmup_steps": 2, "contexts_a_step": 2}
    return Schedule(steps=steps, **(sizes | changes))


def _lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def _told(folder: Path) -> list[dict[str, Any]]:
    """Without what a clock says."""
    lines = _lines(folder / PROGRESS_FILE)
    return [{name: line[name] for name in line if name != "seconds"} for line in lines]


def _train(
    learner: Learner,
    schedule: Schedule,
    folder: Path,
    *,
    material: Material = MATERIAL,
    stop: int = -1,
) -> None:
    """Stopped as by a crash once step `stop` is told."""
    for progress in train(learner, material, schedule, folder):
        if progress.step == stop:
            return


def _numbers() -> Callable[[], Case]:
    """Another case at each draw, the same from the start."""
    chance = random.Random(0)

    def draw() -> Case:
        number = str(chance.randint(10, 99))
        question = Question(text="how many", answers=(number,))
        return Case(context=f"{number} tins", questions=(question,))

    return draw


def _states(learner: Learner) -> dict[str, Tensor]:
    return {
        f"{name}.{key}": tensor
        for name, module in learner.modules.items()
        for key, tensor in module.state_dict().items()
    }


def test_training_lowers_the_loss(pair: Pair, tmp_path: Path) -> None:
    _train(quick_learner(pair), _schedule(40), tmp_path)
    losses = [line["loss"] for line in _lines(tmp_path / PROGRESS_FILE)]
    assert losses[-1] < 0.7 * losses[0]


def test_a_stopped_run_goes_on_as_if_it_had_not(pair: Pair, tmp_path: Path) -> None:
    whole, halves, schedule = tmp_path / "whole", tmp_path / "halves", _schedule(108)
    for folder in (whole, halves):
        folder.mkdir()
    unbroken, resumed = quick_learner(pair), quick_learner(pair, seed=1)
    _train(unbroken, schedule, whole, material=Material(draw=_numbers()))
    _train(quick_learner(pair), schedule, halves, material=Material(draw=_numbers()), stop=103)
    _train(resumed, schedule, halves, material=Material(draw=_numbers()))
    for name, tensor in _states(unbroken).items():
        torch.testing.assert_close(_states(resumed)[name], tensor)
    steps = [line["step"] for line in _lines(halves / PROGRESS_FILE)]
    assert steps == [*range(104), *range(100, 108)]
    assert _told(halves)[-8:] == _told(whole)[-8:]


def test_a_finished_run_does_nothing_more(pair: Pair, tmp_path: Path) -> None:
    _train(quick_learner(pair), _schedule(4), tmp_path)
    finished = quick_learner(pair, seed=1)
    assert list(train(finished, MATERIAL, _schedule(4), tmp_path)) == []
    assert len(_lines(tmp_path / PROGRESS_FILE)) == 4


def test_every_step_is_told_and_written(pair: Pair, tmp_path: Path) -> None:
    told = list(train(quick_learner(pair), MATERIAL, _schedule(4), tmp_path))
    assert _lines(tmp_path / PROGRESS_FILE) == [asdict(progress) for progress in told]
    assert [progress.imitation > 0 for progress in told] == [True, True, False, False]


def test_what_is_not_learnt_is_validated_at_every_budget(pair: Pair, tmp_path: Path) -> None:
    learner = quick_learner(pair)
    material = Material(draw=lambda: CASE, validation=((OTHER,), (CASE, OTHER)))
    _train(learner, _schedule(4), tmp_path, material=material)
    lines = _lines(tmp_path / VALIDATION_FILE)
    assert [(line["step"], line["budget"]) for line in lines] == [(4, bits) for bits in BITS]
    with torch.no_grad():
        losses = [
            answer_loss(learner, cases, BITS[1]).answer.item() for cases in material.validation
        ]
    assert lines[1]["loss"] == pytest.approx(sum(losses) / 2, abs=1e-3)


def test_validation_changes_nothing(pair: Pair, tmp_path: Path) -> None:
    states = []
    for name, validation in (("with", ((OTHER,),)), ("without", ())):
        (tmp_path / name).mkdir()
        learner = quick_learner(pair)
        material = Material(draw=lambda: CASE, validation=validation)
        _train(learner, _schedule(4), tmp_path / name, material=material)
        states.append(_states(learner))
    assert all(torch.equal(states[0][name], states[1][name]) for name in states[0])


def test_budgets_are_drawn_by_their_shares(pair: Pair, tmp_path: Path) -> None:
    schedule = _schedule(30, contexts_a_step=1, budget_shares=(0.7, 0.0, 0.3))
    _train(quick_learner(pair), schedule, tmp_path)
    counts = Counter(line["budget"] for line in _lines(tmp_path / PROGRESS_FILE))
    assert set(counts) == {BITS[0], BITS[2]}
    assert counts[BITS[0]] > counts[BITS[2]]


def test_the_rate_rises_then_falls_to_a_tenth() -> None:
    schedule = _schedule(100, warmup_steps=10)
    rates = [schedule.rate_at(step) for step in range(100)]
    assert rates[0] == pytest.approx(0.1)
    assert rates[:10] == sorted(rates[:10])
    assert max(rates) == rates[10] == 1.0
    assert rates[10:] == sorted(rates[10:], reverse=True)
    assert rates[-1] == pytest.approx(0.11)


@pytest.mark.parametrize(
    "wrong",
    [
        {"imitation_steps": 11},
        {"contexts_a_step": 0},
        {"warmup_steps": -1},
        {"budget_shares": ()},
        {"budget_shares": (0.0, 1.0)},
    ],
)
def test_a_schedule_without_sense_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput):
        _schedule(10, **wrong)


def test_a_run_of_no_steps_is_refused() -> None:
    with pytest.raises(InvalidInput):
        _schedule(0, imitation_steps=0)
