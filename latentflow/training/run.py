"""One training run from plan to adapter file: closed form, end to end, measure, card.

Owns the order and the folder of a run; each step is a module of its own.
"""

import json
import time
from dataclasses import asdict
from pathlib import Path

import torch

from latentflow.errors import InvalidInput
from latentflow.model.adapter_file import AdapterHeader, adapter_digest, write_adapter
from latentflow.model.adapters import ADAPTER_FILE
from latentflow.model.attention import use_grouped_attention
from latentflow.model.backbone import load_backbone
from latentflow.model.placement import found_hardware, place
from latentflow.model.soft_prefix_file import SOFT_PREFIX_FILE, write_soft_prefix
from latentflow.training.cases import Case, read_cases, split_cases
from latentflow.training.control_learner import ControlLearner
from latentflow.training.curves import CURVES_FILE, draw_curves
from latentflow.training.learner import Learner, Say
from latentflow.training.learners import learner_of
from latentflow.training.lexicon import lexicon_of
from latentflow.training.loop import Material, Progress, train
from latentflow.training.mixture import Mixture, Source, file_source, memo_source, word_source
from latentflow.training.pair import Pair
from latentflow.training.parts import Part
from latentflow.training.plan import MEMOS, WORDS, Plan
from latentflow.training.processes import ALONE, Processes, wait
from latentflow.training.starting import begin_from, start_file

TEST_SHARE = 0.25
VALIDATION_SHARE = 0.1
_VALIDATION_BATCHES = 3
_START_FILE = "start.pt"
_STARTED_FILE = "start.json"
_PLAN_FILE = "plan.json"


def load_pair(plan: Plan, processes: Processes = ALONE) -> Pair:
    """Both models where `place` says, in its precision. Raises as `place`."""
    placed = place(found_hardware(), processes.local_index)
    sharer, receiver = (
        load_backbone(folder, device=placed.device, dtype=placed.dtype)
        for folder in (plan.sharer, plan.receiver)
    )
    if receiver.device.type == "cpu":
        use_grouped_attention(receiver)
    return Pair(sharer, receiver, plan.prompt)


def run(plan: Plan, folder: Path, say: Say, processes: Processes = ALONE) -> Learner:
    """Trains, or goes on where `folder` was left; `say` hears what happens.

    All processes return the same learner, once the first one has written everything.
    Raises InvalidInput when `folder` is another run's.
    """
    folder.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(plan.schedule.seed)
    learner = learner_of(plan, load_pair(plan, processes))
    material = _material(plan, learner, processes)  # first: what can't be learnt from is told now
    if processes.is_first:
        _prepare(plan, learner, folder, say)
    wait(processes)
    _start(learner, folder)
    if processes.is_first:  # a library that is missing is missed now, not after hours
        draw_curves(folder, folder / CURVES_FILE)
    steps = train(learner, material, plan.schedule, folder, processes)
    for done, progress in enumerate(steps, start=1):
        _tell(progress, done, plan.schedule.steps, say)
    wait(processes)
    return learner


def require_sources(plan: Plan) -> None:
    """A file that can't be read, or an adapter that is not there, is told before models load."""
    for name, _ in plan.mix:
        if name not in (MEMOS, WORDS):
            read_cases(Path(name))
    if plan.start:
        start_file(plan.start)


def _tell(progress: Progress, done: int, steps: int, say: Say) -> None:
    """Every tenth step and the last; `done` are those since the start or resumption."""
    if progress.step % 10 and progress.step + 1 < steps:
        return
    left = progress.seconds / done * (steps - progress.step - 1)
    say(f"step {progress.step:4d}/{steps} loss {progress.loss:.3f}  about {left / 60:.0f} min left")


def sources(plan: Plan, part: Part, pair: Pair, *, seed: int) -> list[Source]:
    """A part of everything the plan mixes. Raises InvalidInput for contexts that are too long."""
    lexicon = lexicon_of(pair.sharer.tokenizer, part)
    drawn = {MEMOS: memo_source, WORDS: word_source}
    return [
        drawn[name](weight, part, seed=seed, lexicon=lexicon)
        if name in drawn
        else file_source(
            Path(name).stem, weight, part_of(Path(name), part), seed=seed, fits=pair.fits
        )
        for name, weight in plan.mix
    ]


def export(plan: Plan, learner: Learner, card: dict[str, object], folder: Path) -> Path:
    """Writes the adapter file, or a control's, and returns its path."""
    if isinstance(learner, ControlLearner):
        path = folder / SOFT_PREFIX_FILE
        write_soft_prefix(path, learner.prefix, learner.spec, learner.pair.receiver, card)
        return path
    tensors = {
        f"{name}.{key}": tensor
        for name, module in learner.modules.items()
        for key, tensor in module.state_dict().items()
    }
    header = AdapterHeader(
        method=plan.method,
        sharer=learner.pair.sharer.identity,
        receiver=learner.pair.receiver.identity,
        hyperparameters=learner.hyperparameters,
        prompt=learner.pair.form,
        card=card,
    )
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / ADAPTER_FILE
    write_adapter(path, header, tensors)
    return path


def part_of(path: Path, part: Part) -> list[Case]:
    """The cases of a file that are for training, for validation while it runs, or for the card.

    A file too small to spare any is validated on what it trains on.
    """
    seen, test = split_cases(read_cases(path), test_share=TEST_SHARE, seed=0)
    training, validation = split_cases(seen, test_share=VALIDATION_SHARE, seed=1)
    return {Part.TRAIN: training, Part.VALIDATION: validation or training, Part.TEST: test}[part]


def _material(plan: Plan, learner: Learner, processes: Processes) -> Material:
    """Validation takes a few cases of every source, by its weight."""
    size = plan.schedule.contexts_a_step
    unseen = _mixture(plan, learner, Part.VALIDATION, plan.schedule.seed)
    drawn = (unseen.draw() for _ in range(_VALIDATION_BATCHES * size))
    cases = sorted(drawn, key=lambda case: len(case.context))
    return Material(
        draw=_mixture(plan, learner, Part.TRAIN, processes.seed(plan.schedule.seed)).draw,
        validation=[cases[start : start + size] for start in range(0, len(cases), size)],
    )


def _mixture(plan: Plan, learner: Learner, part: Part, seed: int) -> Mixture:
    pair = learner.pair
    return Mixture(sources(plan, part, pair, seed=seed), seed=seed, fits=pair.fits)


def _prepare(plan: Plan, learner: Learner, folder: Path, say: Say) -> None:
    """Writes what the learner starts from and whose run it is, once a run."""
    signature = _signature(plan, learner)
    _require_own(folder, signature)
    if (folder / _START_FILE).exists():
        return
    began = time.monotonic()
    if plan.start:
        record = begin_from(learner, plan.start)
    else:
        mixture = _mixture(plan, learner, Part.TRAIN, plan.schedule.seed + 1)
        record = learner.prepare(mixture.draw, say)
    record |= {"seconds": round(time.monotonic() - began, 1)}
    (folder / _STARTED_FILE).write_text(json.dumps(record) + "\n", encoding="utf-8")
    modules = {name: module.state_dict() for name, module in learner.modules.items()}
    partial = folder / f".{_START_FILE}.partial"
    torch.save(modules, partial)
    (folder / _PLAN_FILE).write_text(json.dumps(signature, indent=1) + "\n", encoding="utf-8")
    partial.replace(folder / _START_FILE)  # last: what is there is whole


def _require_own(folder: Path, signature: dict[str, object]) -> None:
    """Raises InvalidInput when the folder is another run's."""
    path = folder / _PLAN_FILE
    if not path.exists():
        return
    theirs = json.loads(path.read_text(encoding="utf-8"))
    differing = [key for key in signature if theirs.get(key) != signature[key]]
    if differing:
        problem = f"is the folder of a run with other {', '.join(differing)}"
        raise InvalidInput(field=str(folder), problem=problem)


def _signature(plan: Plan, learner: Learner) -> dict[str, object]:
    """What may not change when a run goes on; how many steps it takes may."""
    signature: dict[str, object] = {
        "method": plan.method,
        "sharer": learner.pair.sharer.identity.weights,
        "receiver": learner.pair.receiver.identity.weights,
        "hyperparameters": learner.hyperparameters,
        "message_tokens": plan.message_tokens,
        "start": plan.start and adapter_digest(start_file(plan.start)),
        "mix": {Path(name).name: weight for name, weight in plan.mix},
        "prompt": asdict(plan.prompt),
        "closed_form_tokens": plan.closed_form_tokens,
        "schedule": {**asdict(plan.schedule), "steps": None},
    }
    comparable: dict[str, object] = json.loads(json.dumps(signature))
    return comparable


def _start(learner: Learner, folder: Path) -> None:
    """Raises InvalidInput when the folder is of a run with other modules."""
    start = torch.load(folder / _START_FILE, weights_only=True, map_location="cpu")
    try:
        for name, module in learner.modules.items():
            module.load_state_dict(start[name])
    except (KeyError, RuntimeError) as error:
        raise InvalidInput(field=str(folder), problem="is the folder of another run") from error


def started(folder: Path) -> dict[str, object]:
    """What there is to say of a run's start: `Learner.prepare`'s words, or `begin_from`'s."""
    record: dict[str, object] = json.loads((folder / _STARTED_FILE).read_text(encoding="utf-8"))
    return record
