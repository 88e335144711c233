"""`latentflow train`: fits an adapter for two models and writes it with its card."""

import shlex
import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path

from latentflow.cli.models import find_model
from latentflow.cli.progress import Progress
from latentflow.cli.settings import Settings
from latentflow.errors import InvalidInput
from latentflow.evaluation.arms import Handoff
from latentflow.evaluation.trial import Figures, try_arms
from latentflow.model.adapters import load_receiver_adapter, load_sharer_adapter
from latentflow.model.backbone import load_backbone
from latentflow.training.card import card_of, with_results, write_card
from latentflow.training.examination import examinations
from latentflow.training.loop import Schedule
from latentflow.training.run import MEMOS, Plan, export
from latentflow.training.run import run as run_training

_DEFAULTS = Schedule()


def add_arguments(parser: ArgumentParser, settings: Settings) -> None:
    parser.add_argument("--sharer", required=True, help="a model of `models list`, or a folder")
    parser.add_argument("--receiver", required=True, help="likewise")
    parser.add_argument("--out", type=Path, required=True, help="folder for the adapter and card")
    parser.add_argument("--run-folder", type=Path, help="folder of checkpoints and curves; resumed")
    parser.add_argument(
        "--mix",
        action="append",
        metavar="SOURCE=WEIGHT",
        help="`memos` or a .jsonl or .txt file, with its share; default memos=1",
    )
    parser.add_argument("--steps", type=int, default=_DEFAULTS.steps)
    parser.add_argument("--imitation-steps", type=int, default=_DEFAULTS.imitation_steps)
    parser.add_argument("--seed", type=int, default=_DEFAULTS.seed)
    parser.add_argument("--cases", type=int, default=60, help="test cases of each set for the card")


def run(arguments: Namespace, settings: Settings) -> None:
    progress = Progress()
    plan = _plan(arguments, settings, progress)
    folder = arguments.run_folder or Path("runs") / arguments.out.name
    trainee = run_training(plan, folder, progress.say)
    card = card_of(plan, trainee, folder, shlex.join(["latentflow", *sys.argv[1:]]))
    draft = export(plan, trainee, card, folder)
    results, cases = _measure(plan, draft, arguments.cases, progress)
    card = with_results(card, results, cases)
    print(export(plan, trainee, card, arguments.out))
    write_card(arguments.out / "README.md", arguments.out.name, card, results)


def _measure(
    plan: Plan, adapter: Path, count: int, progress: Progress
) -> tuple[dict[str, dict[str, Figures]], dict[str, int]]:
    """Every arm on every test set, with the exported file as services load it."""
    handoff, results = _handoff(plan, adapter), {}
    sets = examinations(plan, count)
    for name, cases in sets.items():
        progress.say(f"measuring on {len(cases)} {name}")
        results[name] = try_arms(handoff, cases, progress.say)
    return results, {name: len(cases) for name, cases in sets.items()}


def _plan(arguments: Namespace, settings: Settings, progress: Progress) -> Plan:
    sharer, receiver = (
        find_model(name, settings.models, progress)
        for name in (arguments.sharer, arguments.receiver)
    )
    return Plan(
        sharer=sharer,
        receiver=receiver,
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
    """Float32 on a CPU, while training was in bfloat16."""
    sharer, receiver = load_backbone(plan.sharer), load_backbone(plan.receiver)
    return Handoff(
        sharer=sharer,
        receiver=receiver,
        encoder=load_sharer_adapter(adapter.parent.name, adapter, sharer),
        decoder=load_receiver_adapter(adapter.parent.name, adapter, receiver),
    )
