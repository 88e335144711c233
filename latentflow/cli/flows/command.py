"""`latentflow flows ACTION`: what is announced, and how far the groups are."""

from argparse import ArgumentParser

from latentflow.cli.actions import Action, add_actions, run_action
from latentflow.cli.flows import lag, ls
from latentflow.cli.settings import Settings

__all__ = ["add_arguments", "run"]

ACTIONS = (
    Action(name="ls", summary="list the flows with their groups", module=ls),
    Action(name="lag", summary="tell how far each group is behind", module=lag),
)

run = run_action


def add_arguments(parser: ArgumentParser, settings: Settings) -> None:
    add_actions(parser, settings, ACTIONS)
