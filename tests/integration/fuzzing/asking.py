"""Calls of raw bytes to any method of a server, and what an answer to them may be."""

import asyncio
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import grpc
from google.protobuf.descriptor import MethodDescriptor
from grpc_health.v1 import health_pb2
from grpc_reflection.v1alpha import reflection_pb2

from latentflow.rpc.listening import USUAL_REQUEST_BYTES
from latentflow.rpc.methods import ENDLESS
from latentflow.rpc.status import DETAILS_KEY
from latentflow.v1 import broker_pb2, receiver_pb2, sharer_pb2
from latentflow.wire.publish import MAX_REQUEST_BYTES
from tests.integration.services.callers import TIMEOUT, Stack

OWN = "latentflow.v1."
_LOOK_SECONDS = 0.2
_AT_ONCE = 16
_TELLING = re.compile(r"Traceback|Error\(|<class|\.py\b|site-packages|line \d+|/tmp/|Exception")

_FILES = {
    "broker": broker_pb2.DESCRIPTOR,
    "broker-admin": broker_pb2.DESCRIPTOR,
    "sharer": sharer_pb2.DESCRIPTOR,
    "receiver": receiver_pb2.DESCRIPTOR,
}

# Bytes of a message to each.
LARGEST = {
    "broker": MAX_REQUEST_BYTES,
    "broker-admin": MAX_REQUEST_BYTES,
    "sharer": USUAL_REQUEST_BYTES,
    "receiver": USUAL_REQUEST_BYTES,
}

Metadata = tuple[tuple[str, str | bytes], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """One server of a stack, by its name."""

    name: str
    channel: grpc.aio.Channel
    stack: Stack

    def methods(self) -> Iterator[MethodDescriptor]:
        for file in (_FILES[self.name], health_pb2.DESCRIPTOR, reflection_pb2.DESCRIPTOR):
            for service in file.services_by_name.values():
                yield from service.methods  # type: ignore[misc]

    async def require_working(self) -> None:
        """Health is answered, and a handoff goes through all three."""
        watch: grpc.aio.UnaryStreamMultiCallable[Any, Any] = self.channel.unary_stream(
            "/grpc.health.v1.Health/Watch",
            request_serializer=health_pb2.HealthCheckRequest.SerializeToString,
            response_deserializer=health_pb2.HealthCheckResponse.FromString,
        )
        # One that has just begun may not have reached its broker yet.
        async for health in watch(health_pb2.HealthCheckRequest(), timeout=TIMEOUT):
            if health.status == health_pb2.HealthCheckResponse.SERVING:
                break
        latent = await self.stack.latent("The harbour opens at six.")
        assert (await self.stack.ask("When does the harbour open?", latent)).usage


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """How a call ended, and all that it told the caller about that."""

    method: str
    code: grpc.StatusCode
    told: str
    is_typed: bool

    def require_clean(self) -> None:
        """A status of the contract, and nothing of the server's insides."""
        assert self.code not in (grpc.StatusCode.UNKNOWN, grpc.StatusCode.INTERNAL), self
        assert not _TELLING.search(self.told), self
        if self.code is grpc.StatusCode.DEADLINE_EXCEEDED and self.method in ENDLESS:
            return
        if self.code is not grpc.StatusCode.OK and self.method.startswith(f"/{OWN}"):
            assert self.is_typed, self


def full_name(method: MethodDescriptor) -> str:
    return f"/{method.containing_service.full_name}/{method.name}"


async def ask(
    channel: grpc.aio.Channel,
    method: str,
    raw: bytes,
    metadata: Metadata = (),
    *,
    seconds: float | None = None,
    **options: Any,
) -> Answer:
    """Sends one message, whatever the method's kind: on the wire they are alike.

    Endless methods are only looked at, unless `seconds` says how long they have.
    """
    asking: grpc.aio.UnaryStreamMultiCallable[bytes, bytes] = channel.unary_stream(method)
    call = asking(
        raw,
        timeout=seconds or (_LOOK_SECONDS if method in ENDLESS else TIMEOUT),
        metadata=grpc.aio.Metadata(*metadata),
        **options,
    )
    try:
        async for _ in call:
            pass
    except grpc.aio.AioRpcError:
        pass
    trailers = dict(await call.trailing_metadata() or ())
    return Answer(
        method=method,
        code=await call.code(),
        told=f"{await call.details()} {trailers}",
        is_typed=DETAILS_KEY in trailers,
    )


async def ask_all(channel: grpc.aio.Channel, method: str, raws: Iterable[bytes]) -> list[Answer]:
    """A few at a time."""
    room = asyncio.Semaphore(_AT_ONCE)

    async def one(raw: bytes) -> Answer:
        async with room:
            return await ask(channel, method, raw)

    return await asyncio.gather(*map(one, raws))
