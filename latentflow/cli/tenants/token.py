"""`latentflow tenants token`: a new token, and what the tenants file keeps of it."""

from argparse import ArgumentParser, Namespace

from latentflow.cli.settings import Settings
from latentflow.tenants import new_token, token_hash


def add_arguments(parser: ArgumentParser, settings: Settings) -> None:
    pass


def run(arguments: Namespace, settings: Settings) -> None:
    """The only time that anyone sees the token."""
    token = new_token()
    print(f'for the tenant: {token}\nfor the file:   tokens = ["{token_hash(token)}"]')
