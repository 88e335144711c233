"""The crowd of a soak leaves the broker alone once it has left."""

import asyncio
import os
from collections.abc import Callable
from pathlib import Path

import grpc

from bench.soak.crowd import Crowd
from bench.soak.ledger import Ledger
from bench.soak.lives import Places
from bench.stand import Stand, broker_stand
from tests.unit.bench.soak_course import COURSE


def test_a_crowd_that_has_left_holds_no_connection_open() -> None:
    with broker_stand(os.environ) as stand:
        asyncio.run(come_and_leave(stand))


async def come_and_leave(stand: Stand) -> None:
    async with grpc.aio.insecure_channel(stand.address) as channel:
        await asyncio.wait_for(channel.channel_ready(), 30)
    crowd = Crowd(COURSE, Places(stand.address, stand.admin_address), Ledger())
    assert await comes_true(lambda: connections_to(stand.port) >= COURSE.flows)
    await crowd.stop_publishing()
    await crowd.leave()
    assert await comes_true(lambda: connections_to(stand.port) == 0)


async def comes_true(condition: Callable[[], bool]) -> bool:
    for _ in range(200):
        if condition():
            return True
        await asyncio.sleep(0.05)
    return False


def connections_to(port: int) -> int:
    """Established ones, as their clients see them."""
    lines = [
        line.split()
        for table in ("tcp", "tcp6")
        for line in Path(f"/proc/self/net/{table}").read_text().splitlines()[1:]
    ]
    return sum(peer.endswith(f":{port:04X}") and state == "01" for _, _, peer, state, *_ in lines)
