"""A run on a tiny pair, from its plan to an adapter file that services load."""

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import torch

from latentflow.errors import InvalidInput, UnknownAdapter
from latentflow.model.adapter_file import adapter_digest
from latentflow.model.adapters import ADAPTER_FILE, load_receiver_adapter, load_sharer_adapter
from latentflow.model.contexts import capture_contexts, context_ids
from latentflow.model.prompt import PromptFormat
from latentflow.training.curves import CURVES_FILE, PROGRESS_FILE, VALIDATION_FILE, read_lines
from latentflow.training.learner import Learner
from latentflow.training.loop import Schedule
from latentflow.training.mixture import Mixture
from latentflow.training.pair import Pair
from latentflow.training.parts import Part
from latentflow.training.plan import MEMOS, Plan
from latentflow.training.run import export, part_of, run, sources, started
from tests.tiny_adapters import FORM
from tests.tiny_models import write_tiny_model
from tests.unit.training.learning import BITS, CASE, WIDTH, quick_learner

ROWS = 24
STEPS = 4
SCHEDULE = Schedule(steps=STEPS, imitation_steps=1, warmup_steps=1, contexts_a_step=2)


@dataclass(frozen=True)
class Finished:
    """A run that is over, and what was said on the way."""

    plan: Plan
    folder: Path
    learner: Learner
    said: list[str]


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Questions on as many contexts."""
    path = tmp_path_factory.mktemp("data") / "rows.jsonl"
    path.write_text("\n".join(json.dumps(_row(number)) for number in range(ROWS)))
    return path


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models")
    write_tiny_model(folder / "sharer", "llama")
    write_tiny_model(folder / "receiver", "qwen3")
    return folder


@pytest.fixture(scope="module")
def finished(models: Path, rows: Path, tmp_path_factory: pytest.TempPathFactory) -> Finished:
    plan, folder, said = _plan(models, rows), tmp_path_factory.mktemp("run"), list[str]()
    return Finished(plan, folder, run(plan, folder, said.append), said)


def _row(number: int) -> dict[str, object]:
    return {"context": f"the hen has {number} tins", "question": "tins", "answers": [f"{number}"]}


def _plan(models: Path, *mix: Path | str) -> Plan:
    return Plan(
        sharer=models / "sharer",
        receiver=models / "receiver",
        mix=tuple((str(source), 1.0) for source in mix),
        schedule=SCHEDULE,
        prompt=FORM,
        closed_form_tokens=100,
        width=WIDTH,
    )


def test_a_run_writes_its_start_and_its_curves(finished: Finished) -> None:
    assert finished.said[-1].startswith(f"step    {STEPS - 1}/{STEPS}")
    assert set(started(finished.folder)) == {"weighted_r2", "seconds"}
    validation = read_lines(finished.folder / VALIDATION_FILE)
    assert [line["budget"] for line in validation] == list(BITS)
    assert (finished.folder / CURVES_FILE).stat().st_size > 0


def test_a_finished_run_is_not_done_again(finished: Finished) -> None:
    said: list[str] = []
    again = run(finished.plan, finished.folder, said.append)
    assert said == []
    for name, module in finished.learner.modules.items():
        for key, tensor in module.state_dict().items():
            assert torch.equal(again.modules[name].state_dict()[key], tensor)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"width": 2 * WIDTH}, "hyperparameters"),
        ({"mix": ((MEMOS, 1.0),)}, "mix"),
        ({"prompt": PromptFormat()}, "prompt"),
        ({"closed_form_tokens": 200}, "closed_form_tokens"),
        ({"schedule": replace(SCHEDULE, seed=5)}, "schedule"),
        ({"schedule": replace(SCHEDULE, contexts_a_step=3)}, "schedule"),
        ({"schedule": replace(SCHEDULE, budget_shares=(1.0,))}, "schedule"),
    ],
)
def test_the_folder_of_another_run_is_refused(
    finished: Finished, changes: dict[str, Any], field: str
) -> None:
    other = replace(finished.plan, **changes)
    with pytest.raises(InvalidInput, match=f"a run with other {field}"):
        run(other, finished.folder, lambda _text: None)


def test_a_run_goes_on_from_an_adapter_and_says_so(finished: Finished, tmp_path: Path) -> None:
    export(finished.plan, finished.learner, {"steps": STEPS}, tmp_path / "first")
    plan, folder = replace(finished.plan, start=tmp_path / "first"), tmp_path / "second"
    run(plan, folder, lambda _text: None)
    digest = adapter_digest(tmp_path / "first" / ADAPTER_FILE)
    start = started(folder)
    assert (start["from"], start["card"]) == (digest, {"steps": STEPS})
    run(plan, folder, lambda _text: None)
    with pytest.raises(InvalidInput, match="a run with other start"):
        run(finished.plan, folder, lambda _text: None)


def test_a_start_that_is_refused_leaves_the_folder_free(finished: Finished, tmp_path: Path) -> None:
    with pytest.raises(UnknownAdapter, match="nowhere"):
        run(replace(finished.plan, start=Path("nowhere")), tmp_path, lambda _text: None)
    run(finished.plan, tmp_path, lambda _text: None)


def test_a_context_that_is_too_long_is_told_before_the_start(models: Path, tmp_path: Path) -> None:
    rows = tmp_path / "rows.jsonl"
    row = {"context": "hen " * 5000, "question": "hens", "answers": ["many"]}
    rows.write_text(json.dumps(row))
    with pytest.raises(InvalidInput, match="too long for the models"):
        run(_plan(models, rows), tmp_path / "run", lambda _text: None)
    assert not (tmp_path / "run" / "start.pt").exists()


def test_every_context_of_a_file_belongs_to_one_part(rows: Path) -> None:
    parts = [{case.context for case in part_of(rows, part)} for part in Part]
    assert [len(part) for part in parts] == [16, 2, 6]
    assert len(set.union(*parts)) == ROWS


@pytest.mark.parametrize("part", Part)
def test_a_part_of_the_mix_draws_from_that_part(
    models: Path, rows: Path, pair: Pair, part: Part
) -> None:
    mixture = Mixture(sources(_plan(models, rows, MEMOS), part, pair, seed=0), seed=0)
    own = {case.context for case in part_of(rows, part)}
    drawn = [mixture.draw().context for _ in range(60)]
    of_the_file = [text for text in drawn if text.startswith("the hen has")]
    assert 10 < len(of_the_file) < 50
    assert all(any(context in text for context in own) for text in of_the_file)


def test_a_file_too_small_to_be_parted_is_validated_on_what_it_trains_on(tmp_path: Path) -> None:
    few = tmp_path / "few.jsonl"
    few.write_text(json.dumps(_row(1)))
    assert part_of(few, Part.VALIDATION) == part_of(few, Part.TRAIN) != []
    assert part_of(few, Part.TEST) == []


def test_an_exported_adapter_translates_like_the_trained_one(
    models: Path, pair: Pair, tmp_path: Path
) -> None:
    learner = quick_learner(pair)
    path = export(_plan(models, MEMOS), learner, {"steps": 1}, tmp_path)
    encoder = load_sharer_adapter("tiny", path, pair.sharer)
    decoder = load_receiver_adapter("tiny", path, pair.receiver)
    cache = capture_contexts(pair.sharer, [context_ids(pair.sharer, CASE.context)])
    with torch.no_grad():
        expected = learner.decoder(learner.encoder(cache), cache.mask_BT)
    slots = decoder.translate(encoder.summarise(cache))
    torch.testing.assert_close(slots.keys_LBHTD, expected.keys_LBHTD, atol=0.05, rtol=0.05)
    assert (encoder.header.prompt, encoder.header.card) == (pair.form, {"steps": 1})


def test_fewer_steps_than_a_run_has_taken_are_refused(finished: Finished) -> None:
    fewer = replace(finished.plan, schedule=replace(SCHEDULE, steps=STEPS - 1))
    with pytest.raises(InvalidInput, match=f"fewer than the {STEPS}"):
        run(fewer, finished.folder, lambda _text: None)


def test_a_line_that_was_torn_when_a_run_was_killed_is_dropped(finished: Finished) -> None:
    path = finished.folder / PROGRESS_FILE
    whole = path.read_bytes()
    path.write_bytes(whole + b'{"step": 9, "lo')
    assert len(read_lines(path)) == STEPS
    run(finished.plan, finished.folder, lambda _text: None)
    assert path.read_bytes() == whole


def test_two_sources_of_one_name_are_refused(finished: Finished) -> None:
    with pytest.raises(InvalidInput, match="two sources of one name"):
        replace(finished.plan, mix=(("a/rows.jsonl", 0.5), ("b/rows.jsonl", 0.5)))
