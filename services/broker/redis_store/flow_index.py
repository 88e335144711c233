"""Which flows a tenant has, and how far their groups are."""

from collections.abc import Sequence
from typing import Any

from redis.asyncio.client import Pipeline
from redis.asyncio.cluster import ClusterPipeline

from latentflow.latent import FlowName, Tenant
from latentflow.relay import FlowInfo, GroupInfo
from services.broker.keys import announced_key, flows_key
from services.broker.lifecycle import LONGEST_KEPT_MS
from services.broker.record import FlowRef
from services.broker.redis_store.client import Client, source
from services.broker.redis_store.fields import Fields, as_text, pairs

_COUNTED_AT_ONCE = 1000


class FlowIndex:
    """The flows of every tenant."""

    def __init__(self) -> None:
        self._note = source("use_flow")
        self._survey = source("survey")

    def add(self, pipeline: Pipeline | ClusterPipeline, flow: FlowRef) -> None:
        """Also done for a flow that is then not written: `read` passes over what is not there."""
        pipeline.eval(self._note, 1, flows_key(flow.tenant), flow.flow, LONGEST_KEPT_MS)

    async def read(self, redis: Client, tenant: Tenant) -> Sequence[FlowInfo]:
        """By name."""
        noted = await redis.zrange(flows_key(tenant), 0, -1)
        names = sorted(FlowName(as_text(name)) for name in noted)
        flows = [FlowRef(tenant=tenant, flow=name) for name in names]
        pipeline = redis.pipeline(transaction=False)
        for flow in flows:
            pipeline.eval(self._survey, 1, announced_key(flow))
        surveys = await pipeline.execute()
        return [
            await _described(redis, flow, *survey)
            for flow, survey in zip(flows, surveys, strict=True)
            if survey
        ]


async def _described(
    redis: Client, flow: FlowRef, announced: int, groups: Sequence[Sequence[Any]]
) -> FlowInfo:
    return FlowInfo(
        name=flow.flow,
        announced=announced,
        groups=tuple([await _group(redis, flow, announced, pairs(group)) for group in groups]),
    )


async def _group(redis: Client, flow: FlowRef, announced: int, fields: Fields) -> GroupInfo:
    lag = fields[b"lag"]
    if lag is None:
        lag = await _counted(redis, flow, as_text(fields[b"last-delivered-id"]))
    return GroupInfo(
        name=as_text(fields[b"name"]),
        # Of a group so far behind that it misses some, the server counts those too.
        lag=min(int(lag), announced),
        pending=int(fields[b"pending"]),
        consumers=int(fields[b"consumers"]),
    )


async def _counted(redis: Client, flow: FlowRef, behind: str) -> int:
    """Counts announcements, where the server can't tell: one was deleted by hand."""
    count = 0
    while True:
        some = await redis.xrange(
            announced_key(flow), min=f"({behind}", max="+", count=_COUNTED_AT_ONCE
        )
        if not some:
            return count
        count += len(some)
        behind = as_text(some[-1][0])
