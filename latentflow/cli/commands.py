"""The table of commands. A command's module is imported when the command is called, not before.

Such a module has `add_arguments(parser, settings)` and `run(arguments, settings)`.
"""

from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Protocol, cast

from latentflow.cli.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    name: str
    summary: str
    module: str


class CommandModule(Protocol):
    """What the module of a command offers. `run` raises LatentFlowError when it fails."""

    def add_arguments(self, parser: ArgumentParser, settings: Settings) -> None: ...

    def run(self, arguments: Namespace, settings: Settings) -> None: ...


COMMANDS = (
    Command(
        name="demo",
        summary="hand memos from one model to another and compare the ways",
        module="latentflow.cli.demo",
    ),
    Command(
        name="up",
        summary="run store, broker, sharer and receiver until Ctrl-C",
        module="latentflow.cli.up",
    ),
    Command(
        name="share",
        summary="have the sharer read a file; prints the latent's id",
        module="latentflow.cli.share",
    ),
    Command(
        name="ask",
        summary="ask the receiver a question over latents",
        module="latentflow.cli.ask",
    ),
    Command(
        name="latents",
        summary="list, check, follow, withdraw and carry over latents",
        module="latentflow.cli.latents.command",
    ),
    Command(
        name="flows",
        summary="list the flows and how far their groups are",
        module="latentflow.cli.flows.command",
    ),
    Command(
        name="keys",
        summary="make and revoke the keys that latents are sealed and signed with",
        module="latentflow.cli.keys.command",
    ),
    Command(
        name="tenants",
        summary="make tokens, and check the file of tenants",
        module="latentflow.cli.tenants.command",
    ),
    Command(
        name="doctor",
        summary="check this machine and the services, and say how to mend them",
        module="latentflow.cli.doctor",
    ),
    Command(
        name="models",
        summary="list and fetch the models of the catalogue",
        module="latentflow.cli.models",
    ),
    Command(
        name="train",
        summary="fit an adapter for two models",
        module="latentflow.cli.train",
    ),
    Command(
        name="prune",
        summary="drop the layers of an adapter that matter least",
        module="latentflow.cli.prune",
    ),
    Command(
        name="eval",
        summary="measure an adapter against text and controls",
        module="latentflow.cli.eval",
    ),
    Command(
        name="plot",
        summary="draw what evaluations measured, and write their tables",
        module="latentflow.cli.plot",
    ),
    Command(
        name="card",
        summary="enter what evaluations measured into an adapter's card",
        module="latentflow.cli.card",
    ),
    Command(
        name="wordings",
        summary="find what a sharer is best told to write for the text arms",
        module="latentflow.cli.wordings",
    ),
)


def run(words: Sequence[str], settings: Settings) -> None:
    """Runs the command that `words` name. Raises SystemExit when they name none."""
    parser = ArgumentParser(prog="latentflow", description="Hands a context to another model.")
    choices = parser.add_subparsers(required=True, metavar="COMMAND")
    chosen = words[0] if words else ""
    for command in COMMANDS:
        described = choices.add_parser(
            command.name, help=command.summary, description=command.summary
        )
        if command.name == chosen:
            module = cast(CommandModule, import_module(command.module))
            module.add_arguments(described, settings)
            described.set_defaults(run=module.run)
    arguments = parser.parse_args(words)
    arguments.run(arguments, settings)
