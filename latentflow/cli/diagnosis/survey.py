"""Asks this machine and the services how they are; judges nothing."""

import asyncio
import platform
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version

from latentflow import __version__
from latentflow.calls import ServiceDescription
from latentflow.cli.stack import StackAddresses
from latentflow.errors import LatentFlowError
from latentflow.relay import Inspection
from latentflow.rpc.broker_client import BrokerClient
from latentflow.rpc.channel import open_channel
from latentflow.rpc.probe import is_serving
from latentflow.rpc.receiver_client import ReceiverClient
from latentflow.rpc.sharer_client import SharerClient

OWN_PACKAGE = "latent-cache-flow"
NEEDED = ("grpcio", "protobuf", "zstandard", "google-crc32c")
NEEDED_FOR_MODELS = ("torch", "transformers", "safetensors")


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """`packages` has the version of each, empty for one that is not installed."""

    python: str
    packages: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A service as it was found at `address`; `error` is why it did not tell of itself."""

    address: str
    serving: bool
    error: LatentFlowError | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenBroker(Seen):
    """`asked_ms` and `answered_ms` are this machine's times around the broker's own."""

    inspection: Inspection | None = None
    asked_ms: int = 0
    answered_ms: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenService(Seen):
    """A sharer or a receiver."""

    description: ServiceDescription | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Survey:
    machine: Machine
    broker: SeenBroker
    sharer: SeenService
    receiver: SeenService


async def take_survey(addresses: StackAddresses, *, timeout_seconds: float) -> Survey:
    """Everything at once; each question waits at most `timeout_seconds`."""
    broker, sharer, receiver = await asyncio.gather(
        _broker(addresses.broker, timeout_seconds),
        _sharer(addresses.sharer, timeout_seconds),
        _receiver(addresses.receiver, timeout_seconds),
    )
    return Survey(machine=see_machine(), broker=broker, sharer=sharer, receiver=receiver)


def see_machine() -> Machine:
    names = (*NEEDED, *NEEDED_FOR_MODELS)
    return Machine(
        python=platform.python_version(),
        packages={OWN_PACKAGE: __version__, **{name: _version(name) for name in names}},
    )


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""


async def _broker(address: str, timeout_seconds: float) -> SeenBroker:
    serving = await _serving(address, timeout_seconds)
    async with open_channel(address) as channel:
        asked_ms = _now_ms()
        try:
            inspection = await BrokerClient(channel).inspect(timeout=timeout_seconds)
        except LatentFlowError as error:
            return SeenBroker(address=address, serving=serving, error=error)
        return SeenBroker(
            address=address,
            serving=serving,
            inspection=inspection,
            asked_ms=asked_ms,
            answered_ms=_now_ms(),
        )


async def _sharer(address: str, timeout_seconds: float) -> SeenService:
    async with open_channel(address) as channel:
        return await _service(address, SharerClient(channel).describe, timeout_seconds)


async def _receiver(address: str, timeout_seconds: float) -> SeenService:
    async with open_channel(address) as channel:
        return await _service(address, ReceiverClient(channel).describe, timeout_seconds)


async def _service(
    address: str, describe: Callable[..., Awaitable[ServiceDescription]], timeout_seconds: float
) -> SeenService:
    serving = await _serving(address, timeout_seconds)
    try:
        description = await describe(timeout=timeout_seconds)
    except LatentFlowError as error:
        return SeenService(address=address, serving=serving, error=error)
    return SeenService(address=address, serving=serving, description=description)


async def _serving(address: str, timeout_seconds: float) -> bool:
    return await asyncio.to_thread(is_serving, address, timeout=timeout_seconds)


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
