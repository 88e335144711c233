"""Coming and going: a participant lives for a while on a connection of its own, and comes again.

It is cut off wherever it is, as a process that is killed or a caller that cancels would be.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from random import Random
from typing import NamedTuple, NoReturn

import grpc

from bench.soak.ledger import Ledger
from latentflow.errors import Cancelled, LatentFlowError
from latentflow.rpc.admin_client import AdminClient
from latentflow.rpc.broker_client import BrokerClient

CALL_SECONDS = 60.0
_LIFE_SECONDS = (5.0, 40.0)
_AWAY_SECONDS = (0.0, 2.0)
# Else all channels of a process share one connection.
_OPTIONS = (("grpc.use_local_subchannel_pool", 1),)


class Places(NamedTuple):
    """A broker's addresses: its public port's, its admin port's."""

    broker: str
    admin: str


class Client(BrokerClient):
    """A broker's client, which may oversee too; it connects to the admin port when it does."""

    def __init__(self, broker: grpc.aio.Channel, admin: grpc.aio.Channel) -> None:
        super().__init__(broker)
        self.admin = AdminClient(admin)


Life = Callable[[Client], Awaitable[None]]


@asynccontextmanager
async def connection(places: Places) -> AsyncIterator[Client]:
    async with (
        grpc.aio.insecure_channel(places.broker, options=_OPTIONS) as broker,
        grpc.aio.insecure_channel(places.admin, options=_OPTIONS) as admin,
    ):
        yield Client(broker, admin)


async def come_and_go(life: Life, places: Places, ledger: Ledger, random: Random) -> NoReturn:
    """Lives again and again, until it is cancelled."""
    while True:
        await asyncio.sleep(random.uniform(*_AWAY_SECONDS))
        try:
            async with asyncio.timeout(random.uniform(*_LIFE_SECONDS)):
                await live(life, places, ledger)
        except TimeoutError:
            ledger.count("cut off")


async def live(life: Life, places: Places, ledger: Ledger) -> None:
    ledger.count("lives begun")
    try:
        async with connection(places) as client:
            await life(client)
    except Cancelled:  # its connection was closed over a call, as it was cut off
        ledger.count("cut off in a call")
    except LatentFlowError as error:
        ledger.failed(error)
