"""The training loop: optimiser, schedule, curves and resuming.

Owns the order of steps and what is written as they go; what a step lowers is `objective`'s.
"""

import json
import random
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from torch import nn

from latentflow.errors import InvalidInput
from latentflow.model.prefix import PrefixDecoder, PrefixEncoder
from latentflow.training.cases import Case
from latentflow.training.objective import StepLoss, answer_loss, imitation_loss
from latentflow.training.pair import Pair

_CLIP = 1.0
_BETAS = (0.9, 0.98)


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """Steps and rates (study.md, recipe 3). The first `imitation_steps` also imitate reading."""

    steps: int = 520
    imitation_steps: int = 90
    warmup_steps: int = 40
    contexts_a_step: int = 8
    encoder_rate: float = 1e-5
    decoder_rate: float = 2e-4
    block_rate: float = 3e-4
    window_shares: tuple[tuple[int, float], ...] = ((1, 0.7), (2, 0.12), (4, 0.1), (8, 0.08))
    seed: int = 0

    def __post_init__(self) -> None:
        if not 0 <= self.imitation_steps <= self.steps or self.contexts_a_step < 1:
            raise InvalidInput(field="schedule", problem="steps or contexts_a_step out of range")

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
    window: int
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Trainee:
    """The two halves, and the pair they join."""

    pair: Pair
    encoder: PrefixEncoder
    decoder: PrefixDecoder


def train(
    trainee: Trainee, draw: Callable[[], Case], schedule: Schedule, folder: Path
) -> Iterator[Progress]:
    """Runs the schedule, going on from `folder`'s checkpoint where there is one.

    Writes `progress.jsonl` and `checkpoint.pt` there. `draw` must be seeded: a resumed run draws
    again, and discards, what the finished steps used.
    """
    optimiser = _optimiser(trainee, schedule)
    first = _restore(trainee, optimiser, folder)
    chance = random.Random(schedule.seed)
    started = time.monotonic()
    with (folder / "progress.jsonl").open("a", encoding="utf-8") as log:
        for step in range(schedule.steps):
            cases = [draw() for _ in range(schedule.contexts_a_step)]
            window = _window(schedule, chance)
            if step < first:
                continue
            loss = _step(trainee, optimiser, schedule, cases, (step, window))
            progress = Progress(
                step=step,
                loss=round(loss.answer.item(), 4),
                imitation=round(loss.imitation.item(), 4),
                window=window,
                seconds=round(time.monotonic() - started, 1),
            )
            log.write(json.dumps(asdict(progress)) + "\n")
            log.flush()
            yield progress
            if (step + 1) % 100 == 0 or step + 1 == schedule.steps:
                _save(trainee, optimiser, folder, step + 1)


def _step(
    trainee: Trainee,
    optimiser: torch.optim.Optimizer,
    schedule: Schedule,
    cases: list[Case],
    at: tuple[int, int],
) -> StepLoss:
    step, window = at
    objective = imitation_loss if step < schedule.imitation_steps else answer_loss
    loss = objective(trainee.pair, trainee.encoder, trainee.decoder, cases, window)
    for group in optimiser.param_groups:
        group["lr"] = group["peak"] * schedule.rate_at(step)
    optimiser.zero_grad()
    loss.total.backward()  # type: ignore[no-untyped-call]
    nn.utils.clip_grad_norm_([*_parameters(trainee)], _CLIP)
    optimiser.step()
    return loss


def _optimiser(trainee: Trainee, schedule: Schedule) -> torch.optim.Optimizer:
    blocks = [*trainee.encoder.block.parameters(), *trainee.decoder.block.parameters()]
    groups = [
        {"params": [*trainee.encoder.down.parameters()], "peak": schedule.encoder_rate},
        {"params": [*trainee.decoder.up.parameters()], "peak": schedule.decoder_rate},
        {"params": blocks, "peak": schedule.block_rate},
    ]
    return torch.optim.AdamW(groups, lr=0.0, betas=_BETAS, weight_decay=0.0)


def _parameters(trainee: Trainee) -> Iterator[nn.Parameter]:
    yield from trainee.encoder.parameters()
    yield from trainee.decoder.parameters()


def _window(schedule: Schedule, chance: random.Random) -> int:
    windows, shares = zip(*schedule.window_shares, strict=True)
    return int(chance.choices(windows, shares)[0])


def _save(trainee: Trainee, optimiser: torch.optim.Optimizer, folder: Path, step: int) -> None:
    state = {
        "step": step,
        "encoder": trainee.encoder.state_dict(),
        "decoder": trainee.decoder.state_dict(),
        "optimiser": optimiser.state_dict(),
    }
    partial = folder / ".checkpoint.partial"
    torch.save(state, partial)
    partial.replace(folder / "checkpoint.pt")


def _restore(trainee: Trainee, optimiser: torch.optim.Optimizer, folder: Path) -> int:
    checkpoint = folder / "checkpoint.pt"
    if not checkpoint.exists():
        return 0
    state = torch.load(checkpoint, weights_only=True)
    trainee.encoder.load_state_dict(state["encoder"])
    trainee.decoder.load_state_dict(state["decoder"])
    optimiser.load_state_dict(state["optimiser"])
    return int(state["step"])
