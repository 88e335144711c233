"""Servers that make room for others: channels go on at those, without a call lost."""

import asyncio

import grpc
from grpc.aio import AioRpcError

from latentflow.rpc.channel import open_channel
from latentflow.rpc.server import ServerSettings
from tests.integration.rpc.names import name_server
from tests.integration.rpc.probe import METHODS, ONE, Context, call, probe, served
from tests.store_servers import free_ports

CALLERS = 40
# Less than gRPC itself lets pass between two look-ups.
FIND_SECONDS = 20.0


async def work(context: Context) -> bytes:
    await asyncio.sleep(0.01)
    return b"done"


PROBE = probe(work)


async def test_no_call_is_lost_when_one_of_two_servers_closes() -> None:
    """None of these methods is one that gRPC calls again."""
    is_over = asyncio.Event()

    async def call_over_and_over(channel: grpc.aio.Channel, method: str) -> None:
        while not is_over.is_set():
            assert (await call(channel, method))[-1] == b"done"

    settling = ServerSettings(settle_seconds=2)
    async with served(PROBE) as staying, served(PROBE, settings=settling) as going:
        target = f"ipv4:127.0.0.1:{staying.server.port},127.0.0.1:{going.server.port}"
        async with open_channel(target) as channel, asyncio.TaskGroup() as tasks:
            for caller in range(CALLERS):
                method = METHODS[caller % len(METHODS)]
                tasks.create_task(call_over_and_over(channel, method))
            await going.server.drain()
            is_over.set()


async def test_a_server_at_another_address_is_found_when_the_one_known_closes() -> None:
    (port,) = free_ports(1)
    old, new = (ServerSettings(host=host, port=port) for host in ("127.0.0.2", "127.0.0.3"))
    async with (
        served(PROBE, settings=old) as going,
        served(PROBE, settings=new),
        name_server(old.host) as names,
        open_channel(f"dns://127.0.0.1:{names.port}/probe.test:{port}") as channel,
    ):
        assert await call(channel, ONE) == [b"done"]
        names.addresses = (new.host,)
        await going.server.drain()
        async with asyncio.timeout(FIND_SECONDS):
            await answered(channel)


async def answered(channel: grpc.aio.Channel) -> None:
    while True:
        try:
            await call(channel, ONE)
        except AioRpcError:
            await asyncio.sleep(0.1)
        else:
            return
