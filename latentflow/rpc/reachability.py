"""Reports a service as SERVING while a peer that it needs takes calls; touches nothing else."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import grpc
from grpc import ChannelConnectivity

from latentflow.rpc.server import RunningServer

_log = logging.getLogger(__name__)

# Others, as when a connection is replaced, say nothing.
_TELLING = {ChannelConnectivity.READY: True, ChannelConnectivity.TRANSIENT_FAILURE: False}


@asynccontextmanager
async def serving_while_reached(
    server: RunningServer, peer: str, channel: grpc.aio.Channel, *, every_seconds: float = 0.2
) -> AsyncIterator[None]:
    """For as long as the block lasts; `peer` is its name for the log."""

    async def follow() -> None:
        is_reached: bool | None = None
        while True:
            now = _TELLING.get(channel.get_state(try_to_connect=True), is_reached)
            if now is not is_reached:
                is_reached = now
                await _report(server, peer, is_reached=now is True)
            await asyncio.sleep(every_seconds)

    following = asyncio.create_task(follow())
    try:
        yield
    finally:
        following.cancel()


async def _report(server: RunningServer, peer: str, *, is_reached: bool) -> None:
    if is_reached:
        _log.info("the %s is reached", peer)
        await server.report_serving()
    else:
        _log.warning("the %s can't be reached; waiting for it", peer)
        await server.report_waiting()
