"""`latentflow flows lag`: how far each group of each flow is behind."""

from argparse import ArgumentParser, Namespace
from dataclasses import asdict

from latentflow.cli.endpoints import add_endpoint_arguments
from latentflow.cli.flows.ls import fetch_flows
from latentflow.cli.settings import Settings
from latentflow.cli.shown import add_json_argument, plain, print_json
from latentflow.cli.table import Row, render
from latentflow.latent import FlowName
from latentflow.relay import GroupInfo

_HEADER = ("flow", "group", "lag", "pending", "consumers")


def add_arguments(parser: ArgumentParser, settings: Settings) -> None:
    add_json_argument(parser)
    add_endpoint_arguments(parser, "admin")


def run(arguments: Namespace, settings: Settings) -> None:
    flows = fetch_flows(arguments, settings)
    groups = [(flow.name, group) for flow in flows for group in flow.groups]
    if arguments.json:
        print_json({"groups": [{"flow": flow, **asdict(group)} for flow, group in groups]})
    else:
        rows = [_row(flow, group) for flow, group in groups]
        print(render(_HEADER, rows, right=("lag", "pending", "consumers")))


def _row(flow: FlowName, group: GroupInfo) -> Row:
    return flow, plain(group.name), f"{group.lag:,}", f"{group.pending:,}", f"{group.consumers:,}"
