"""`python -m tests.unit.training.one_process FOLDER`: one of the processes that a launcher starts.

Trains a tiny pair's adapter, stops, goes on as a new run would, and leaves in FOLDER what
test_processes.py compares.
"""

import sys
from dataclasses import replace
from pathlib import Path

import torch

from latentflow.model.backbone import load_backbone
from latentflow.model.prefix import prefix_spec
from latentflow.model.prompt import PromptFormat
from latentflow.training.learner import Learner, parameters_of
from latentflow.training.loop import Material, Schedule, train
from latentflow.training.memos import Memos
from latentflow.training.objective import answer_loss
from latentflow.training.pair import Pair
from latentflow.training.parts import Part
from latentflow.training.prefix_learner import PrefixLearner
from latentflow.training.processes import Processes, average_gradients, joined, wait

STOPPED, STEPS = 2, 4
_SCHEDULE = Schedule(steps=STOPPED, imitation_steps=1, warmup_steps=0, contexts_a_step=2)


def main(folder: Path) -> None:
    with joined() as processes:
        exchange(folder, processes)
        for steps in (STOPPED, STEPS):
            learner = _learner(folder)
            schedule = replace(_SCHEDULE, steps=steps)
            material = Material(draw=Memos(Part.TRAIN, seed=processes.seed(0)).draw)
            for _ in train(learner, material, schedule, folder, processes):
                pass
            wait(processes)
        modules = {name: module.state_dict() for name, module in learner.modules.items()}
        torch.save(modules, folder / f"modules-{processes.index}.pt")


def exchange(folder: Path, processes: Processes) -> None:
    """One gradient of this process's own cases, and what the processes make of it."""
    learner = _learner(folder)
    memos = Memos(Part.TRAIN, seed=processes.seed(0))
    answer_loss(learner, [memos.draw()], learner.budgets[0]).total.backward()  # type: ignore[no-untyped-call]
    own = _gradient(learner)
    average_gradients(processes, parameters_of(learner))
    torch.save({"own": own, "mean": _gradient(learner)}, folder / f"gradient-{processes.index}.pt")


def _gradient(learner: Learner) -> torch.Tensor:
    gradients = [parameter.grad for parameter in parameters_of(learner)]
    return torch.cat([each.flatten().clone() for each in gradients if each is not None])


def _learner(folder: Path) -> Learner:
    torch.manual_seed(0)
    sharer, receiver = (load_backbone(folder / name) for name in ("sharer", "receiver"))
    pair = Pair(sharer, receiver, PromptFormat(preamble="Q: hi\nA: ho\n\n"))
    learner = PrefixLearner(pair, prefix_spec(sharer.shape, receiver.shape, width=16, stride=1))
    assert set(learner.modules) == {"encoder", "decoder"}  # made now, from the seed above
    return learner


if __name__ == "__main__":
    main(Path(sys.argv[1]))
