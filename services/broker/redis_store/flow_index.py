"""Which flows a tenant has, and how far their groups are."""

import asyncio
from collections.abc import Sequence
from typing import Any

from latentflow.latent import FlowName, Tenant
from latentflow.relay import FlowInfo, GroupInfo
from services.broker.keys import announced_key, flows_key
from services.broker.lifecycle import LONGEST_KEPT_MS
from services.broker.record import FlowRef
from services.broker.redis_store.connection import Lane
from services.broker.redis_store.fields import Fields, as_text, pairs
from services.broker.redis_store.scripts import script

_COUNTED_AT_ONCE = 1000


class FlowIndex:
    """The flows of every tenant."""

    def __init__(self, commands: Lane) -> None:
        self._commands = commands
        self._note = script(commands, "use_flow")
        self._survey = script(commands, "survey")

    async def add(self, flow: FlowRef) -> None:
        """Also done for a flow that is then not written: `read` passes over what is not there."""
        await self._note(keys=[flows_key(flow.tenant)], args=[flow.flow, LONGEST_KEPT_MS])

    async def read(self, tenant: Tenant) -> Sequence[FlowInfo]:
        """By name."""
        noted = await self._commands.ask("ZRANGE", flows_key(tenant), 0, -1)
        names = sorted(FlowName(as_text(name)) for name in noted)
        flows = [FlowRef(tenant=tenant, flow=name) for name in names]
        surveys = await asyncio.gather(
            *(self._survey(keys=[announced_key(flow)]) for flow in flows)
        )
        return [
            await _described(self._commands, flow, *survey)
            for flow, survey in zip(flows, surveys, strict=True)
            if survey
        ]


async def _described(
    commands: Lane, flow: FlowRef, announced: int, groups: Sequence[Sequence[Any]]
) -> FlowInfo:
    return FlowInfo(
        name=flow.flow,
        announced=announced,
        groups=tuple([await _group(commands, flow, announced, pairs(group)) for group in groups]),
    )


async def _group(commands: Lane, flow: FlowRef, announced: int, fields: Fields) -> GroupInfo:
    lag = fields[b"lag"]
    if lag is None:
        lag = await _counted(commands, flow, as_text(fields[b"last-delivered-id"]))
    return GroupInfo(
        name=as_text(fields[b"name"]),
        # Of a group so far behind that it misses some, the server counts those too.
        lag=min(int(lag), announced),
        pending=int(fields[b"pending"]),
        consumers=int(fields[b"consumers"]),
    )


async def _counted(commands: Lane, flow: FlowRef, behind: str) -> int:
    """Counts announcements, where the server can't tell: one was deleted by hand."""
    count = 0
    while True:
        some = await commands.ask(
            "XRANGE", announced_key(flow), f"({behind}", "+", "COUNT", _COUNTED_AT_ONCE
        )
        if not some:
            return count
        count += len(some)
        behind = as_text(some[-1][0])
