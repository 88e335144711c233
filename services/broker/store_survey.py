"""What the store holds, looked at again and again: gauges read it on threads that may not wait."""

import asyncio
import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from heapq import nlargest

from opentelemetry.metrics import Meter

from latentflow.errors import StoreUnavailable
from latentflow.latent import FlowName, Tenant
from latentflow.relay import FlowInfo, GroupInfo
from latentflow.rpc import conventions, metric_names
from latentflow.rpc.instruments import Points, gauge
from services.broker.record import ClockMs, StoreReport
from services.broker.store import FlowStore, LatentStore

# Each is a series of its own wherever metrics are kept; of more groups, those furthest behind.
MOST_GROUPS = 100
_NOTHING = StoreReport(servers=())

_log = logging.getLogger(__name__)

NamedGroup = tuple[FlowName, GroupInfo]


class StoreSurvey:
    """The last look. A store that does not answer has no values, rather than old ones."""

    def __init__(
        self,
        *,
        latents: LatentStore,
        flows: FlowStore,
        tenants: Callable[[], Iterable[Tenant]],
        clock_ms: ClockMs,
    ) -> None:
        self._latents = latents
        self._flows = flows
        self._tenants = tenants
        self._clock_ms = clock_ms
        self._report = _NOTHING
        self._groups: Sequence[NamedGroup] = ()

    async def run(self, *, every_seconds: float = 10.0) -> None:
        """Looks until cancelled."""
        while True:
            await self.look()
            await asyncio.sleep(every_seconds)

    async def look(self) -> None:
        """A look that fails leaves no values, and the broker as it is."""
        try:
            self._report, self._groups = await self._looked()
        except Exception as error:
            self._report, self._groups = _NOTHING, ()
            if not isinstance(error, StoreUnavailable):
                _log.exception("the store could not be looked at")

    async def _looked(self) -> tuple[StoreReport, Sequence[NamedGroup]]:
        report = await self._latents.inspect(now_ms=self._clock_ms())
        surveys = [await self._flows.survey(tenant) for tenant in self._tenants()]
        groups = (group for flows in surveys for group in _groups(flows))
        return report, nlargest(MOST_GROUPS, _furthest(groups), key=_behind)

    def lag(self) -> Points:
        return [(group.lag, _names(flow, group)) for flow, group in self._groups]

    def pending(self) -> Points:
        return [(group.pending, _names(flow, group)) for flow, group in self._groups]

    def used_bytes(self) -> Points:
        return [(self._report.used_bytes, {})] if self._report.used_bytes else []

    def limit_bytes(self) -> Points:
        return [(self._report.limit_bytes, {})] if self._report.limit_bytes else []


def observe_store(meter: Meter, survey: StoreSurvey) -> None:
    gauge(meter, metric_names.GROUP_LAG, survey.lag)
    gauge(meter, metric_names.GROUP_PENDING, survey.pending)
    gauge(meter, metric_names.STORE_USED, survey.used_bytes)
    gauge(meter, metric_names.STORE_LIMIT, survey.limit_bytes)


def _groups(flows: Sequence[FlowInfo]) -> Iterator[NamedGroup]:
    for flow in flows:
        for group in flow.groups:
            yield flow.name, group


def _furthest(groups: Iterable[NamedGroup]) -> Iterable[NamedGroup]:
    """One of each name: metrics name no tenant, and of equal names would show any one."""
    by_name = {(flow, group.name): (flow, group) for flow, group in sorted(groups, key=_behind)}
    return by_name.values()


def _behind(named: NamedGroup) -> int:
    return named[1].lag + named[1].pending


def _names(flow: FlowName, group: GroupInfo) -> dict[str, str]:
    return {
        conventions.MESSAGING_DESTINATION: flow,
        conventions.MESSAGING_CONSUMER_GROUP: group.name,
    }
