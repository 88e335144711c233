"""The options by which a command says what its stack consists of."""

from argparse import ArgumentParser, Namespace
from pathlib import Path

from latentflow.cli.models import find_model
from latentflow.cli.progress import Progress
from latentflow.cli.settings import Settings
from latentflow.cli.stack import StackPlan, require_without_tls


def add_plan_arguments(parser: ArgumentParser, settings: Settings) -> None:
    parser.add_argument(
        "--sharer-model",
        default="smollm2-135m",
        metavar="MODEL",
        help="a name or a folder; default: %(default)s",
    )
    parser.add_argument(
        "--receiver-model",
        default="gemma3-270m",
        metavar="MODEL",
        help="a name or a folder; default: %(default)s",
    )
    parser.add_argument(
        "--adapters",
        type=Path,
        default=settings.adapters,
        metavar="FOLDER",
        help="default: %(default)s",
    )


def plan_from(arguments: Namespace, settings: Settings, progress: Progress) -> StackPlan:
    """What the options say, its models pulled if need be. Raises as `find_model`.

    Raises InvalidInput for variables that no such stack can have, before it pulls anything.
    """
    require_without_tls(settings.environment)
    return StackPlan(
        sharer_model=find_model(arguments.sharer_model, settings.models, progress),
        receiver_model=find_model(arguments.receiver_model, settings.models, progress),
        adapters=arguments.adapters.absolute(),
        environment=settings.environment,
    )
