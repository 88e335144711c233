"""`latentflow latents ACTION`: looks after the latents that a broker holds."""

from argparse import ArgumentParser

from latentflow.cli.actions import Action, add_actions, run_action
from latentflow.cli.latents import exporting, importing, lineage, ls, rm, show, tail, verify
from latentflow.cli.settings import Settings

__all__ = ["add_arguments", "run"]

ACTIONS = (
    Action(name="ls", summary="list them, newest first", module=ls),
    Action(name="show", summary="tell everything the broker knows of one", module=show),
    Action(name="verify", summary="fetch one and check every frame and the commit", module=verify),
    Action(name="tail", summary="tell of a flow's latents as they come", module=tail),
    Action(name="rm", summary="withdraw some, and tell whom they had reached", module=rm),
    Action(name="lineage", summary="tell where one came from and who used it", module=lineage),
    Action(name="export", summary="write one to a file", module=exporting),
    Action(name="import", summary="publish one from a file", module=importing),
)

run = run_action


def add_arguments(parser: ArgumentParser, settings: Settings) -> None:
    add_actions(parser, settings, ACTIONS)
