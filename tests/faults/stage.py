"""All parts of a run, started once and kept warm: the stores, a broker, a publisher, two readers.

Between each pair is a proxy of ours, but before servers that tell clients where they are. A killed
part is started again at its place.
"""

import asyncio
import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Coroutine, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.faults.link import Link, link_to
from tests.faults.part import BrokerPart, Part, WorkingPart
from tests.faults.plan import Fault, Hop, Plan, Stand, Strike
from tests.faults.stores import Stores, open_stores
from tests.store_servers import free_ports

# Short, so that what is given up is over within a run.
_BROKER = {
    "UPLOAD_LEASE_SECONDS": "6",
    "LONGEST_WAIT_SECONDS": "1",
    "FOLLOWERS": "64",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    stores: Stores
    links: Mapping[Hop, Link]
    broker: BrokerPart
    publisher: WorkingPart
    readers: tuple[WorkingPart, ...]
    _restarts: set[asyncio.Task[None]] = field(default_factory=set)

    async def prepare(self, plan: Plan) -> None:
        """Arms the plan's one fault, over the store that the plan wants."""
        await self.stores.prepare(plan)
        for hop, link in self.links.items():
            is_hit = hop is plan.strike.hop
            link.arm(plan.strike if is_hit else None, lambda: self._kill(plan))

    async def recover(self, plan: Plan) -> bool:
        """Makes all whole again. Whether the fault has struck."""
        has_struck = self.links[plan.strike.hop].has_struck
        await self.until_up()
        for part in (self.broker, self.publisher, *self.readers):
            part.require_alive()
        if has_struck:
            await self.links[plan.strike.hop].mend()
        return has_struck

    async def until_up(self) -> None:
        """Until no part is down."""
        if self._restarts:
            await asyncio.gather(*self._restarts)

    # --- kill -9 ------------------------------------------------------------------------------

    def _kill(self, plan: Plan) -> None:
        match plan.strike.fault:
            case Fault.KILL_PUBLISHER:
                self._restart(self.publisher, plan.strike)
            case Fault.KILL_BROKER:
                self._restart(self.broker, plan.strike)
            case Fault.KILL_READER:
                self._restart(self.readers[plan.seed % len(self.readers)], plan.strike)
            case Fault.KILL_STORE | Fault.KILL_PRIMARY:
                self._keep(self.stores.kill(plan))
            case _:
                pass

    def _restart(self, part: Part, strike: Strike) -> None:
        part.kill()
        self._keep(_start(part, strike))

    def _keep(self, restart: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(restart)
        self._restarts.add(task)
        task.add_done_callback(self._restarts.discard)


async def _start(part: Part, strike: Strike) -> None:
    await part.end()
    await asyncio.sleep(strike.seconds)
    await part.start()


@asynccontextmanager
async def open_stage(stand: Stand = Stand.VALKEY) -> AsyncIterator[Stage]:
    async with AsyncExitStack() as cleanup:
        folder = Path(tempfile.mkdtemp(prefix="lf-faults-"))
        cleanup.callback(shutil.rmtree, folder)
        stores = await cleanup.enter_async_context(open_stores(stand))
        (broker_port,) = free_ports(1)
        links = {
            **stores.links,
            Hop.PUBLISHER: await cleanup.enter_async_context(link_to(broker_port)),
            Hop.READER: await cleanup.enter_async_context(link_to(broker_port)),
        }
        stage = Stage(
            stores=stores,
            links=links,
            broker=BrokerPart(_broker_environment(broker_port, stores.url)),
            publisher=_worker("publisher", links[Hop.PUBLISHER]),
            readers=(
                _worker("reader", links[Hop.READER]),
                _worker("reader", links[Hop.READER], str(folder)),
            ),
        )
        for part in (stage.broker, stage.publisher, *stage.readers):
            await part.start()
            cleanup.push_async_callback(_stop, part)
        cleanup.push_async_callback(stage.until_up)
        yield stage


def _broker_environment(port: int, store_url: str) -> Mapping[str, str]:
    settings = {"PORT": str(port), "STORE_URL": store_url, **_BROKER}
    named = {f"LATENTFLOW_BROKER_{name}": value for name, value in settings.items()}
    return {**os.environ, **named}


def _worker(kind: str, link: Link, *arguments: str) -> WorkingPart:
    address = f"127.0.0.1:{link.port}"
    return WorkingPart(f"tests.faults.{kind}", address, *arguments, environment=os.environ)


async def _stop(part: Part) -> None:
    part.kill()
    await part.end()
