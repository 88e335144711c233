"""`latentflow latents ls`: the tenant's latents, newest first."""

from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from dataclasses import asdict
from typing import NamedTuple

from latentflow.cli.broker_work import with_admin
from latentflow.cli.endpoints import add_endpoint_arguments
from latentflow.cli.progress import Progress
from latentflow.cli.settings import Settings
from latentflow.cli.shown import add_json_argument, print_json
from latentflow.cli.table import Row, render
from latentflow.dates import utc
from latentflow.errors import InvalidInput
from latentflow.latent import FlowName, LatentInfo, parse_flow_name
from latentflow.relay import DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE, ListCall
from latentflow.rpc.admin_client import AdminClient
from latentflow.rpc.deadline import Deadline

_HEADER = ("latent", "flow", "state", "method", "frames", "bytes", "created", "expires")


class Listed(NamedTuple):
    """The newest, and whether there are older ones."""

    latents: Sequence[LatentInfo]
    is_cut: bool


def add_arguments(parser: ArgumentParser, settings: Settings) -> None:
    parser.add_argument("--flow", metavar="FLOW", help="default: every flow")
    parser.add_argument(
        "--limit",
        type=int,
        default=DEFAULT_PAGE_SIZE,
        metavar="N",
        help="the newest so many; default: %(default)s",
    )
    add_json_argument(parser)
    add_endpoint_arguments(parser, "admin")


def run(arguments: Namespace, settings: Settings) -> None:
    if arguments.limit < 1:
        raise InvalidInput(field="limit", problem="must be at least 1")
    flow = None if arguments.flow is None else parse_flow_name(arguments.flow)
    listed = with_admin(
        arguments,
        settings,
        lambda admin, deadline: list_newest(admin, flow, arguments.limit, deadline),
    )
    if arguments.json:
        print_json({"latents": [asdict(info) for info in listed.latents], "cut": listed.is_cut})
        return
    print(render(_HEADER, [_row(info) for info in listed.latents], right=("frames", "bytes")))
    if listed.is_cut:
        Progress().say(f"There are more than {arguments.limit}: see --limit.")


async def list_newest(
    admin: AdminClient, flow: FlowName | None, limit: int, deadline: Deadline
) -> Listed:
    """At most `limit`, in as many pages as that takes."""
    latents: list[LatentInfo] = []
    token = ""
    while len(latents) < limit:
        size = min(limit - len(latents), MAX_PAGE_SIZE)
        call = ListCall(flow=flow, page_size=size, page_token=token)
        page = await admin.list_latents(call, timeout=deadline.remaining_seconds())
        latents += page.latents
        token = page.next_page_token
        if not token:
            break
    return Listed(latents[:limit], is_cut=bool(token))


def _row(info: LatentInfo) -> Row:
    manifest = info.manifest
    return (
        manifest.latent_id,
        manifest.flow,
        info.state,
        manifest.method,
        f"{info.frames:,}",
        f"{info.payload_bytes:,}",
        utc(manifest.created_ms),
        utc(info.expires_ms),
    )
