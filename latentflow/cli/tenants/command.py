"""`latentflow tenants ACTION`: what whoever keeps the file of tenants needs."""

from argparse import ArgumentParser

from latentflow.cli.actions import Action, add_actions, run_action
from latentflow.cli.settings import Settings
from latentflow.cli.tenants import check, token

__all__ = ["add_arguments", "run"]

ACTIONS = (
    Action(name="token", summary="make a token, and the hash of it for the file", module=token),
    Action(name="check", summary="read a file of tenants as the services do", module=check),
)

run = run_action


def add_arguments(parser: ArgumentParser, settings: Settings) -> None:
    add_actions(parser, settings, ACTIONS)
