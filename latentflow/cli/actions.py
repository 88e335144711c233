"""Commands that have actions of their own, as `latents ls`: a module each, like a command's."""

from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from dataclasses import dataclass

from latentflow.cli.commands import CommandModule
from latentflow.cli.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    name: str
    summary: str
    module: CommandModule


def add_actions(parser: ArgumentParser, settings: Settings, actions: Sequence[Action]) -> None:
    choices = parser.add_subparsers(required=True, metavar="ACTION")
    for action in actions:
        described = choices.add_parser(action.name, help=action.summary, description=action.summary)
        action.module.add_arguments(described, settings)
        described.set_defaults(act=action.module.run)


def run_action(arguments: Namespace, settings: Settings) -> None:
    arguments.act(arguments, settings)
