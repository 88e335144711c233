"""`latentflow train`: fits an adapter for two local models and writes it with its card."""

import argparse
import shlex
import sys
from pathlib import Path

from latentflow.errors import InvalidInput
from latentflow.evaluation.arms import Handoff
from latentflow.evaluation.trial import try_arms
from latentflow.model.adapters import load_receiver_adapter, load_sharer_adapter
from latentflow.model.backbone import load_backbone
from latentflow.model.catalogue import model_folder
from latentflow.training.card import card_of, with_results, write_card
from latentflow.training.examination import examinations
from latentflow.training.loop import Schedule
from latentflow.training.run import MEMOS, Plan, export, run


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--sharer", required=True, help="a model of `models list`, or a folder")
    parser.add_argument("--receiver", required=True, help="likewise")
    parser.add_argument("--out", type=Path, required=True, help="folder for the adapter and card")
    parser.add_argument("--run", type=Path, help="folder of checkpoints and curves; resumed")
    parser.add_argument(
        "--mix",
        action="append",
        metavar="SOURCE=WEIGHT",
        help="`memos` or a .jsonl or .txt file, with its share; default memos=1",
    )
    parser.add_argument("--steps", type=int, default=Schedule().steps)
    parser.add_argument("--imitation-steps", type=int, default=Schedule().imitation_steps)
    parser.add_argument("--seed", type=int, default=Schedule().seed)
    parser.add_argument("--cases", type=int, default=60, help="test cases of each set for the card")


def execute(arguments: argparse.Namespace) -> int:
    plan = _plan(arguments)
    folder = arguments.run or Path("runs") / arguments.out.name
    trainee = run(plan, folder, _say)
    command = shlex.join(["latentflow", *sys.argv[1:]])
    card = card_of(plan, trainee, folder, command)
    draft = export(plan, trainee, card, folder)
    sets = examinations(plan, arguments.cases)
    results = {}
    for name, cases in sets.items():
        _say(f"measuring on {len(cases)} {name}")
        results[name] = try_arms(_handoff(plan, draft), cases, _say)
    card = with_results(card, results, {name: len(cases) for name, cases in sets.items()})
    _say(f"wrote {export(plan, trainee, card, arguments.out)}")
    write_card(arguments.out / "README.md", arguments.out.name, card, results)
    return 0


def _plan(arguments: argparse.Namespace) -> Plan:
    return Plan(
        sharer=model_folder(arguments.sharer),
        receiver=model_folder(arguments.receiver),
        mix=tuple(_share(text) for text in arguments.mix or [f"{MEMOS}=1"]),
        schedule=Schedule(
            steps=arguments.steps,
            imitation_steps=arguments.imitation_steps,
            seed=arguments.seed,
        ),
    )


def _share(text: str) -> tuple[str, float]:
    name, _, weight = text.rpartition("=")
    try:
        return name, float(weight)
    except ValueError as error:
        raise InvalidInput(field=f"--mix {text}", problem="must be SOURCE=WEIGHT") from error


def _handoff(plan: Plan, adapter: Path) -> Handoff:
    """The exported file, as services load it: float32 on a CPU."""
    sharer, receiver = load_backbone(plan.sharer), load_backbone(plan.receiver)
    return Handoff(
        sharer=sharer,
        receiver=receiver,
        encoder=load_sharer_adapter(adapter.parent.name, adapter, sharer),
        decoder=load_receiver_adapter(adapter.parent.name, adapter, receiver),
    )


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
