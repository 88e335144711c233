"""`latentflow keys new KIND`: makes a key."""

from argparse import ArgumentParser

from latentflow.cli.actions import Action, add_actions, run_action
from latentflow.cli.keys import new_sealing, new_signing
from latentflow.cli.settings import Settings

__all__ = ["add_arguments", "run"]

KINDS = (
    Action(name="sealing", summary="a tenant's key, put into a key ring", module=new_sealing),
    Action(name="signing", summary="a sharer's pair; prints the public one", module=new_signing),
)

run = run_action


def add_arguments(parser: ArgumentParser, settings: Settings) -> None:
    add_actions(parser, settings, KINDS)
