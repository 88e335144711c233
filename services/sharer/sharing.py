"""Share: makes a latent with the engine, then publishes it; tells how far it is all the way."""

import time
from dataclasses import replace

from latentflow.calls import ServiceDescription, ShareCall, Shared, ShareEvent, ShareTimings
from latentflow.latent import Tenant
from latentflow.rpc.told import Tell
from services.sharer.engine import Engine
from services.sharer.publishing import Publishing


class Sharing:
    """An equal latent that is stored already is not made again, unless a call wants it `fresh`."""

    def __init__(self, engine: Engine, publishing: Publishing) -> None:
        self._engine = engine
        self._publishing = publishing

    def describe(self) -> ServiceDescription:
        return self._engine.describe()

    async def share(self, tenant: Tenant, call: ShareCall, tell: Tell[ShareEvent]) -> None:
        """Tells every event, last Shared. Cancelling stops the work or aborts the latent.

        Raises Overloaded, as `Publishing` and as `Engine.make`.
        """
        self._publishing.require_key(tenant)
        if not call.fresh:
            adapter = self._engine.adapter_for(call)
            if stored := await self._publishing.stored(tenant, call, adapter):
                tell(Shared(latent=stored, timings=ShareTimings(), reused=True))
                return
        with self._engine.admit():
            made = await self._engine.make(call, tell)
            began_at = time.perf_counter()
            latent = await self._publishing.publish(tenant, call, made, tell)
            publish_seconds = time.perf_counter() - began_at
        timings = replace(made.timings, publish_seconds=publish_seconds)
        tell(Shared(latent=latent, timings=timings))
