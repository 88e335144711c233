"""Inspect: what the broker and its store are, and what is wrong with their settings."""

from latentflow import __version__
from latentflow.relay import Inspection
from services.broker.record import ClockMs
from services.broker.store import LatentStore


class Inspecting:
    """The same for every tenant."""

    def __init__(self, *, latents: LatentStore, clock_ms: ClockMs) -> None:
        self._latents = latents
        self._clock_ms = clock_ms

    async def inspect(self) -> Inspection:
        """Raises StoreUnavailable."""
        now_ms = self._clock_ms()
        report = await self._latents.inspect(now_ms=now_ms)
        return Inspection(
            version=__version__, at_ms=now_ms, servers=report.servers, remarks=report.remarks
        )
