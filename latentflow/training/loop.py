"""The training loop: optimiser, schedule, curves and resuming.

Owns the order of steps and what is written as they go; what a step lowers is `objective`'s.
"""

import json
import random
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from torch import nn

from latentflow.errors import InvalidInput
from latentflow.training.cases import Case
from latentflow.training.curves import CURVES_FILE, PROGRESS_FILE, VALIDATION_FILE, draw_curves
from latentflow.training.learner import Learner, parameters_of
from latentflow.training.objective import StepLoss, answer_loss, imitation_loss
from latentflow.training.processes import ALONE, Processes, average_gradients

_CLIP = 1.0
_BETAS = (0.9, 0.98)
_POOL_STEPS = 6
_SAVE_STEPS = 100
_VALIDATION_STEPS = 400


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """How long and on how much. The first `imitation_steps` also imitate reading (study.md).

    `budget_shares` are how often each of the learner's budgets is drawn, as far as it has them.
    """

    steps: int = 2000
    imitation_steps: int = 100
    warmup_steps: int = 40
    contexts_a_step: int = 8
    budget_shares: tuple[float, ...] = (0.62, 0.08, 0.25, 0.05)
    seed: int = 0

    def __post_init__(self) -> None:
        if self.steps < 1 or not 0 <= self.imitation_steps <= self.steps:
            raise InvalidInput(field="steps", problem="must be at least 1, imitation's among them")
        if self.contexts_a_step < 1 or self.warmup_steps < 0:
            raise InvalidInput(field="schedule", problem="must have contexts, and no less warm-up")
        if not self.budget_shares or min(self.budget_shares) < 0 or not self.budget_shares[0]:
            raise InvalidInput(
                field="budget_shares", problem="must not be negative, the first not 0"
            )

    def rate_at(self, step: int) -> float:
        """Share of the peak rates: linear warm-up, then linear decay to a tenth."""
        if step < self.warmup_steps:
            return (step + 1) / self.warmup_steps
        left = (self.steps - step) / max(1, self.steps - self.warmup_steps)
        return 0.1 + 0.9 * left


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """One line of the training log."""

    step: int
    loss: float
    imitation: float
    budget: int
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Material:
    """What is learnt from, and batches to validate on that are not.

    `draw` must be seeded: a resumed run draws again, and discards, what finished steps used.
    """

    draw: Callable[[], Case]
    validation: Sequence[Sequence[Case]] = ()


def train(
    learner: Learner,
    material: Material,
    schedule: Schedule,
    folder: Path,
    processes: Processes = ALONE,
) -> Iterator[Progress]:
    """Runs the schedule, going on from `folder`'s checkpoint where there is one.

    The first process writes `progress.jsonl`, `validation.jsonl`, `curves.png` and
    `checkpoint.pt` there; its losses are what is told, while all processes learn together.
    """
    optimiser = _optimiser(learner)
    first = _restore(learner, optimiser, folder)
    if first > schedule.steps:
        problem = f"is fewer than the {first} that the run in {folder} has taken"
        raise InvalidInput(field="steps", problem=problem)
    if processes.is_first:
        for name in (PROGRESS_FILE, VALIDATION_FILE):
            _drop_torn_line(folder / name)
    chance = random.Random(schedule.seed)
    started = time.monotonic()
    for step, cases in zip(range(schedule.steps), _batches(material, schedule), strict=False):
        budget = _budget(learner, schedule, chance)
        if step < first:
            continue
        loss = _step(learner, optimiser, schedule, cases, (step, budget), processes)
        progress = Progress(
            step=step,
            loss=round(loss.answer.item(), 4),
            imitation=round(loss.imitation.item(), 4),
            budget=budget,
            seconds=round(time.monotonic() - started, 1),
        )
        if processes.is_first:
            _append(folder / PROGRESS_FILE, asdict(progress))
        yield progress
        if processes.is_first:
            # Kept last: what is done is not looked at again when the run is resumed.
            _look(learner, material, folder, step + 1, ended=step + 1 == schedule.steps)
            _keep(learner, optimiser, folder, step + 1, ended=step + 1 == schedule.steps)


def _keep(
    learner: Learner, optimiser: torch.optim.Optimizer, folder: Path, done: int, *, ended: bool
) -> None:
    if ended or done % _SAVE_STEPS == 0:
        _save(learner, optimiser, folder, done)


def _look(learner: Learner, material: Material, folder: Path, done: int, *, ended: bool) -> None:
    if ended or done % _VALIDATION_STEPS == 0:
        _validate(learner, material.validation, folder, done)
        draw_curves(folder, folder / CURVES_FILE)


def _step(
    learner: Learner,
    optimiser: torch.optim.Optimizer,
    schedule: Schedule,
    cases: list[Case],
    at: tuple[int, int],
    processes: Processes,
) -> StepLoss:
    step, budget = at
    learner.begin(step / schedule.steps)
    objective = imitation_loss if step < schedule.imitation_steps else answer_loss
    loss = objective(learner, cases, budget)
    for group in optimiser.param_groups:
        group["lr"] = group["peak"] * schedule.rate_at(step)
    optimiser.zero_grad()
    loss.total.backward()  # type: ignore[no-untyped-call]
    average_gradients(processes, parameters_of(learner))
    nn.utils.clip_grad_norm_([*parameters_of(learner)], _CLIP)
    optimiser.step()
    return loss


def _optimiser(learner: Learner) -> torch.optim.Optimizer:
    groups = [{"params": rate.parameters, "peak": rate.peak} for rate in learner.rates()]
    return torch.optim.AdamW(groups, lr=0.0, betas=_BETAS, weight_decay=0.0)


def _budget(learner: Learner, schedule: Schedule, chance: random.Random) -> int:
    shares = schedule.budget_shares[: len(learner.budgets)]
    return chance.choices(learner.budgets[: len(shares)], shares)[0]


def _batches(material: Material, schedule: Schedule) -> Iterator[list[Case]]:
    """Cases of like length together, so that little of a batch is padding."""
    chance = random.Random(schedule.seed)
    size = schedule.contexts_a_step
    while True:
        pool = sorted((material.draw() for _ in range(size * _POOL_STEPS)), key=_length)
        batches = [pool[start : start + size] for start in range(0, len(pool), size)]
        yield from chance.sample(batches, len(batches))


def _length(case: Case) -> int:
    return len(case.context)


@torch.no_grad()
def _validate(learner: Learner, batches: Sequence[Sequence[Case]], folder: Path, step: int) -> None:
    """A line a budget: mean loss a token over the batches."""
    for budget in learner.budgets if batches else ():
        losses = [answer_loss(learner, cases, budget).answer for cases in batches]
        mean = round(float(torch.stack(losses).mean()), 4)
        _append(folder / VALIDATION_FILE, {"step": step, "budget": budget, "loss": mean})


def _append(path: Path, line: dict[str, object]) -> None:
    with path.open("a", encoding="utf-8") as log:
        log.write(json.dumps(line) + "\n")


def _drop_torn_line(path: Path) -> None:
    """What a run wrote when it was killed."""
    if path.exists():
        whole = path.read_bytes()
        path.write_bytes(whole[: whole.rfind(b"\n") + 1])


def _save(learner: Learner, optimiser: torch.optim.Optimizer, folder: Path, step: int) -> None:
    modules = {name: module.state_dict() for name, module in learner.modules.items()}
    state = {"step": step, "modules": modules, "optimiser": optimiser.state_dict()}
    partial = folder / ".checkpoint.partial"
    torch.save(state, partial)
    partial.replace(folder / "checkpoint.pt")


def _restore(learner: Learner, optimiser: torch.optim.Optimizer, folder: Path) -> int:
    checkpoint = folder / "checkpoint.pt"
    if not checkpoint.exists():
        return 0
    state = torch.load(checkpoint, weights_only=True, map_location="cpu")
    for name, module in learner.modules.items():
        module.load_state_dict(state["modules"][name])
    optimiser.load_state_dict(state["optimiser"])
    return int(state["step"])
