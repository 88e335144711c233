"""Runs a command's work with the broker: one connection, one deadline for all of it."""

import asyncio
from argparse import Namespace
from collections.abc import Awaitable, Callable
from typing import TypeVar

import grpc

from latentflow.cli.endpoints import (
    BrokerPort,
    access_from,
    broker_address,
    broker_failure_explained,
)
from latentflow.cli.settings import Settings
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

    Raises as `broker_failure_explained`, and InvalidInput for a timeout that is none.
    """
    return _connected(
        arguments,
        settings,
        "broker",
        lambda channel, deadline: work(BrokerClient(channel), deadline),
    )


def with_admin(arguments: Namespace, settings: Settings, work: AdminWork[Result]) -> Result:
    """As `with_broker`, on the broker's admin port."""
    return _connected(
        arguments,
        settings,
        "admin",
        lambda channel, deadline: work(AdminClient(channel), deadline),
    )


def _connected(
    arguments: Namespace, settings: Settings, port: BrokerPort, work: _Connected[Result]
) -> Result:
    address = broker_address(arguments, settings, port)
    access = access_from(arguments, settings)

    async def connected() -> Result:
        deadline = Deadline.after(arguments.timeout)
        async with open_channel(address, access.credentials()) as channel:
            return await work(channel, deadline)

    with broker_failure_explained(port, address, access):
        return asyncio.run(connected())
