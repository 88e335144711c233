"""`latentflow train`: fits an adapter for two models and writes it with its card."""

import shlex
import sys
from argparse import ArgumentParser, Namespace
from io import StringIO
from pathlib import Path

from latentflow.cli.models import find_model
from latentflow.cli.progress import Progress
from latentflow.cli.settings import Settings
from latentflow.errors import InvalidInput
from latentflow.files import make_folder
from latentflow.latent import Method
from latentflow.training.card import card_of, write_card
from latentflow.training.curves import CURVES_FILE, draw_curves
from latentflow.training.loop import Schedule
from latentflow.training.plan import MEMOS, WORDS, Plan
from latentflow.training.processes import Processes, joined
from latentflow.training.run import export, require_sources
from latentflow.training.run import run as run_training

_NO_DATA = (f"{MEMOS}=0.8", f"{WORDS}=0.2")
_DEFAULTS = Schedule()
_DEFAULT = "default %(default)s"


def add_arguments(parser: ArgumentParser, settings: Settings) -> None:
    parser.add_argument("--sharer", required=True, help="a model of `models list`, or a folder")
    parser.add_argument("--receiver", required=True, help="likewise")
    parser.add_argument(
        "--method",
        type=Method,
        choices=tuple(Method),
        default=Method.LCF_PREFIX,
        help="default lcf-prefix; text trains the control of the text arms",
    )
    parser.add_argument(
        "--stride",
        type=int,
        default=2,
        help=f"lcf-prefix: read every which sharer layer; {_DEFAULT}",
    )
    parser.add_argument(
        "--message-tokens",
        type=int,
        default=0,
        help="text: the control of messages this long; 0 for that of the whole text",
    )
    parser.add_argument(
        "--start-from", type=Path, metavar="DIR", help="an adapter's folder to go on from"
    )
    parser.add_argument("--out", type=Path, required=True, help="folder for the adapter and card")
    parser.add_argument("--run-folder", type=Path, help="folder of checkpoints and curves; resumed")
    parser.add_argument(
        "--mix",
        action="append",
        metavar="SOURCE=WEIGHT",
        help=f"memos, words or a .jsonl or .txt file, with its share; default {' '.join(_NO_DATA)}",
    )
    parser.add_argument("--steps", type=int, default=_DEFAULTS.steps, help=_DEFAULT)
    parser.add_argument(
        "--imitation-steps", type=int, default=_DEFAULTS.imitation_steps, help=_DEFAULT
    )
    parser.add_argument(
        "--contexts", type=int, default=_DEFAULTS.contexts_a_step, help=f"a step; {_DEFAULT}"
    )
    parser.add_argument("--seed", type=int, default=_DEFAULTS.seed, help=_DEFAULT)


def run(arguments: Namespace, settings: Settings) -> None:
    folder = arguments.run_folder or Path("runs") / arguments.out.name
    with joined() as processes:
        progress = Progress(None if processes.is_first else StringIO())
        plan = _plan(arguments, settings, progress)
        require_sources(plan)
        make_folder(arguments.out)  # hours of work are not to end without a place to write to
        learner = run_training(plan, folder, progress.say, processes)
    if not processes.is_first:
        return
    card = card_of(plan, learner, folder, _command(processes), processes)
    print(export(plan, learner, card, arguments.out))
    draw_curves(folder, arguments.out / CURVES_FILE)
    write_card(arguments.out, card)


def _command(processes: Processes) -> str:
    """What trains the same again; `accelerate launch` is `torchrun`, which also knows CPUs."""
    alone = processes.count == 1
    launcher = f"torchrun --nproc-per-node {processes.count} -m latentflow.cli"
    return f"{'latentflow' if alone else launcher} {shlex.join(sys.argv[1:])}"


def _plan(arguments: Namespace, settings: Settings, progress: Progress) -> Plan:
    sharer, receiver = (
        find_model(name, settings.models, progress)
        for name in (arguments.sharer, arguments.receiver)
    )
    return Plan(
        sharer=sharer,
        receiver=receiver,
        method=arguments.method,
        stride=arguments.stride,
        message_tokens=arguments.message_tokens,
        start=arguments.start_from,
        mix=tuple(_share(text) for text in arguments.mix or _NO_DATA),
        schedule=Schedule(
            steps=arguments.steps,
            imitation_steps=arguments.imitation_steps,
            contexts_a_step=arguments.contexts,
            seed=arguments.seed,
        ),
    )


def _share(text: str) -> tuple[str, float]:
    name, _, weight = text.rpartition("=")
    try:
        return name, float(weight)
    except ValueError as error:
        raise InvalidInput(field=f"--mix {text}", problem="must be SOURCE=WEIGHT") from error
