"""Tells health checks whether the broker can work: as long as its store answers."""

import asyncio
import logging
from collections.abc import Sequence
from itertools import product

from grpc_health.v1 import health
from grpc_health.v1.health_pb2 import HealthCheckResponse

from latentflow.errors import StoreUnavailable
from services.broker.record import ClockMs, StoreReport
from services.broker.store import LatentStore

_log = logging.getLogger(__name__)


class StoreWatch:
    """Looks at the store again and again, and reports SERVING once it answered.

    The servers report NOT_SERVING until the first look.
    """

    def __init__(
        self,
        latents: LatentStore,
        healths: Sequence[health.aio.HealthServicer],
        service: str,
        clock_ms: ClockMs,
    ) -> None:
        self._latents = latents
        self._clock_ms = clock_ms
        self._healths = healths
        self._services = (health.OVERALL_HEALTH, service)
        self._answers: bool | None = None

    async def run(self, *, serving_seconds: float = 1.0, waiting_seconds: float = 0.2) -> None:
        """Looks until cancelled; pauses that long in between, by what the last look found."""
        while True:
            await self.look()
            await asyncio.sleep(serving_seconds if self._answers else waiting_seconds)

    async def look(self) -> None:
        """Once. Reports and logs only what has changed."""
        answered_before = self._answers
        try:
            report = await self._latents.inspect(now_ms=self._clock_ms())
        except StoreUnavailable as error:
            why = f"{error} ({error.__cause__}); waiting for it"
            self._answers, report = False, StoreReport(servers=(), remarks=(why,))
        else:
            self._answers = True
        if self._answers != answered_before:
            await self._report(self._answers)
            for remark in report.remarks:
                _log.warning(remark)

    async def _report(self, answers: bool) -> None:
        if not answers:
            await self._set_health(HealthCheckResponse.NOT_SERVING)
            return
        _log.info("the store answers")
        await self._set_health(HealthCheckResponse.SERVING)

    async def _set_health(self, status: int) -> None:
        for servicer, service in product(self._healths, self._services):
            await servicer.set(service, status)
