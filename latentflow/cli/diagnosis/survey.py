"""Asks this machine and the services how they are; judges nothing."""

import asyncio
import platform
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version

import grpc

from latentflow import __version__
from latentflow.calls import ServiceDescription
from latentflow.cli.stack import StackAddresses
from latentflow.errors import LatentFlowError
from latentflow.relay import Inspection
from latentflow.rpc.access import Access
from latentflow.rpc.admin_client import AdminClient
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
    """A service as it was found or missed at `address`; `error` is why it told nothing."""

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
    """`of_up` says that the broker is that of `latentflow up`."""

    machine: Machine
    broker: SeenBroker
    sharer: SeenService
    receiver: SeenService
    of_up: bool = False


async def take_survey(
    addresses: StackAddresses, access: Access, *, timeout_seconds: float
) -> Survey:
    """Everything at once; each question waits at most `timeout_seconds`."""
    asking = _Asking(access, timeout_seconds)
    broker, sharer, receiver = await asyncio.gather(
        asking.broker(addresses.broker, addresses.admin),
        asking.sharer(addresses.sharer),
        asking.receiver(addresses.receiver),
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


class _Asking:
    def __init__(self, access: Access, timeout_seconds: float) -> None:
        self._ca = access.ca
        self._credentials = access.credentials()
        self._timeout_seconds = timeout_seconds

    async def broker(self, address: str, admin: str) -> SeenBroker:
        serving = await self._serving(address)
        async with self._open(admin) as channel:
            asked_ms = _now_ms()
            try:
                inspection = await AdminClient(channel).inspect(timeout=self._timeout_seconds)
            except LatentFlowError as error:
                silent = admin if serving else address
                return SeenBroker(address=silent, serving=serving, error=error)
            return SeenBroker(
                address=address,
                serving=serving,
                inspection=inspection,
                asked_ms=asked_ms,
                answered_ms=_now_ms(),
            )

    async def sharer(self, address: str) -> SeenService:
        async with self._open(address) as channel:
            return await self._service(address, SharerClient(channel).describe)

    async def receiver(self, address: str) -> SeenService:
        async with self._open(address) as channel:
            return await self._service(address, ReceiverClient(channel).describe)

    async def _service(
        self, address: str, describe: Callable[..., Awaitable[ServiceDescription]]
    ) -> SeenService:
        serving = await self._serving(address)
        try:
            description = await describe(timeout=self._timeout_seconds)
        except LatentFlowError as error:
            return SeenService(address=address, serving=serving, error=error)
        return SeenService(address=address, serving=serving, description=description)

    def _open(self, address: str) -> grpc.aio.Channel:
        return open_channel(address, self._credentials)

    async def _serving(self, address: str) -> bool:
        return await asyncio.to_thread(
            is_serving, address, ca=self._ca, timeout=self._timeout_seconds
        )


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
