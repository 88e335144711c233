"""Runs a command's work with the broker: one connection, one deadline for all of it."""

import asyncio
from argparse import Namespace
from collections.abc import Awaitable, Callable
from typing import TypeVar

from latentflow.cli.endpoints import broker_absence_explained, broker_address
from latentflow.cli.settings import Settings
from latentflow.rpc.broker_client import BrokerClient
from latentflow.rpc.channel import open_channel
from latentflow.rpc.deadline import Deadline

Result = TypeVar("Result")
Work = Callable[[BrokerClient, Deadline], Awaitable[Result]]


def with_broker(arguments: Namespace, settings: Settings, work: Work[Result]) -> Result:
    """What `work` gives, within `--timeout`.

    Raises StackMissing when the broker can't be reached, InvalidInput for a timeout that is none.
    """
    address = broker_address(arguments, settings)
    with broker_absence_explained(address):
        return asyncio.run(_connected(address, arguments.timeout, work))


async def _connected(address: str, timeout_seconds: float, work: Work[Result]) -> Result:
    deadline = Deadline.after(timeout_seconds)
    async with open_channel(address) as channel:
        return await work(BrokerClient(channel), deadline)
