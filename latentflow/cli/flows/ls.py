"""`latentflow flows ls`: the tenant's flows, their announcements and their groups."""

from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from dataclasses import asdict

from latentflow.cli.broker_work import with_admin
from latentflow.cli.endpoints import add_endpoint_arguments
from latentflow.cli.settings import Settings
from latentflow.cli.shown import add_json_argument, plain, print_json
from latentflow.cli.table import Row, render
from latentflow.relay import FlowInfo

_HEADER = ("flow", "announced", "groups")


def add_arguments(parser: ArgumentParser, settings: Settings) -> None:
    add_json_argument(parser)
    add_endpoint_arguments(parser, "admin")


def run(arguments: Namespace, settings: Settings) -> None:
    flows = fetch_flows(arguments, settings)
    if arguments.json:
        print_json({"flows": [asdict(flow) for flow in flows]})
    else:
        print(render(_HEADER, [_row(flow) for flow in flows], right=("announced",)))


def fetch_flows(arguments: Namespace, settings: Settings) -> Sequence[FlowInfo]:
    """By name."""
    flows = with_admin(
        arguments,
        settings,
        lambda admin, deadline: admin.list_flows(timeout=deadline.remaining_seconds()),
    )
    return sorted(flows, key=lambda flow: flow.name)


def _row(flow: FlowInfo) -> Row:
    groups = ", ".join(plain(group.name) for group in flow.groups)
    return flow.name, f"{flow.announced:,}", groups or "none"
