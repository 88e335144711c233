"""`latentflow keys ACTION`: makes the keys of sharers and receivers, and takes them back."""

from argparse import ArgumentParser

from latentflow.cli.actions import Action, add_actions, run_action
from latentflow.cli.keys import new, revoke
from latentflow.cli.settings import Settings

__all__ = ["add_arguments", "run"]

ACTIONS = (
    Action(name="new", summary="make a key: to seal latents, or to sign them", module=new),
    Action(name="revoke", summary="make what a key sealed unreadable", module=revoke),
)

run = run_action


def add_arguments(parser: ArgumentParser, settings: Settings) -> None:
    add_actions(parser, settings, ACTIONS)
