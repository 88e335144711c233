"""Runs a command's work with the broker: one connection, one deadline for all of it."""

import asyncio
from argparse import Namespace
from collections.abc import Awaitable, Callable
from typing import TypeVar

import grpc

from latentflow.cli.endpoints import (
    access_from,
    admin_address,
    broker_absence_explained,
    broker_address,
)
from latentflow.cli.settings import Settings
from latentflow.rpc.access import Access
from latentflow.rpc.admin_client import AdminClient
from latentflow.rpc.broker_client import BrokerClient
from latentflow.rpc.channel import open_channel
from latentflow.rpc.deadline import Deadline

Result = TypeVar("Result")
Work = Callable[[BrokerClient, Deadline], Awaitable[Result]]
AdminWork = Callable[[AdminClient, Deadline], Awaitable[Result]]
_Connected = Callable[[grpc.aio.Channel, Deadline], Awaitable[Result]]


def with_broker(arguments: Namespace, settings: Settings, work: Work[Result]) -> Result:
    """What `work` gives, within `--timeout`.

    Raises StackMissing when the broker can't be reached, InvalidInput for a timeout that is none.
    """
    address = broker_address(arguments, settings)
    with broker_absence_explained("broker", address):
        return _connected(
            address,
            access_from(arguments, settings),
            arguments.timeout,
            lambda channel, deadline: work(BrokerClient(channel), deadline),
        )


def with_admin(arguments: Namespace, settings: Settings, work: AdminWork[Result]) -> Result:
    """As `with_broker`, on the broker's admin port."""
    address = admin_address(arguments, settings)
    with broker_absence_explained("admin", address):
        return _connected(
            address,
            access_from(arguments, settings),
            arguments.timeout,
            lambda channel, deadline: work(AdminClient(channel), deadline),
        )


def _connected(
    address: str, access: Access, timeout_seconds: float, work: _Connected[Result]
) -> Result:
    async def connected() -> Result:
        deadline = Deadline.after(timeout_seconds)
        async with open_channel(address, access.credentials()) as channel:
            return await work(channel, deadline)

    return asyncio.run(connected())
