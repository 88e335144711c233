"""A service of four methods, one of each kind, whose behaviour each test hands in, and the way to
serve and call it: bytes in, bytes out.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import grpc

from latentflow.errors import ServiceUnavailable
from latentflow.rpc.channel import open_channel
from latentflow.rpc.ending import Ending
from latentflow.rpc.outgoing import Peer
from latentflow.rpc.propagation import outgoing_metadata
from latentflow.rpc.server import Registration, RunningServer, ServerSettings, build_server

SERVICE = "latentflow.test.Probe"
ONE = f"/{SERVICE}/One"
MANY = f"/{SERVICE}/Many"
GATHER = f"/{SERVICE}/Gather"
TALK = f"/{SERVICE}/Talk"
METHODS = (ONE, MANY, GATHER, TALK)

TIMEOUT_SECONDS = 20.0
PEER = Peer(lambda: ServiceUnavailable(service="probe", retry_after_seconds=1.0))

Context = grpc.aio.ServicerContext[bytes, bytes]
Work = Callable[[Context], Awaitable[bytes]]


def probe(work: Work) -> Registration:
    """Every method reads what was sent, does `work`, and answers with its result."""

    async def one(request: bytes, context: Context) -> bytes:
        return await work(context)

    async def many(request: bytes, context: Context) -> AsyncIterator[bytes]:
        yield b"first"
        yield await work(context)

    async def gather(requests: AsyncIterator[bytes], context: Context) -> bytes:
        async for _ in requests:
            pass
        return await work(context)

    async def talk(requests: AsyncIterator[bytes], context: Context) -> AsyncIterator[bytes]:
        async for request in requests:
            yield request
        yield await work(context)

    return registration(
        One=grpc.unary_unary_rpc_method_handler(one),
        Many=grpc.unary_stream_rpc_method_handler(many),
        Gather=grpc.stream_unary_rpc_method_handler(gather),
        Talk=grpc.stream_stream_rpc_method_handler(talk),
    )


def registration(**handlers: "grpc.RpcMethodHandler[Any, Any]") -> Registration:
    handler = grpc.method_handlers_generic_handler(SERVICE, handlers)
    return Registration(
        service=SERVICE, add=lambda server: server.add_generic_rpc_handlers((handler,))
    )


@dataclass(frozen=True, slots=True)
class Served:
    server: RunningServer
    channel: grpc.aio.Channel


@asynccontextmanager
async def served(*registrations: Registration, **options: Any) -> AsyncIterator[Served]:
    """A started server on a free port and a channel to it; drained and closed at the end."""
    settings = options.pop("settings", ServerSettings(grace_seconds=0))
    server = build_server(settings, registrations, **options)
    await server.start()
    try:
        async with open_channel(f"127.0.0.1:{server.port}") as channel:
            yield Served(server, channel)
    finally:
        await server.drain()


async def call(
    channel: grpc.aio.Channel, method: str, *, seconds: float | None = TIMEOUT_SECONDS
) -> list[bytes]:
    """Calls one of the four methods, whatever its kind. Raises gRPC's own error."""
    metadata = (*outgoing_metadata(), ("authorization", "Bearer probe"))
    sent = iter([b"sent", b"sent"])
    if method == ONE:
        one = channel.unary_unary(method, bytes, bytes)
        return [await one(b"sent", timeout=seconds, metadata=metadata)]
    if method == MANY:
        many = channel.unary_stream(method, bytes, bytes)
        return await _all(many(b"sent", timeout=seconds, metadata=metadata))
    if method == GATHER:
        gather = channel.stream_unary(method, bytes, bytes)
        return await _unmasked(_only, gather(sent, timeout=seconds, metadata=metadata))
    talk = channel.stream_stream(method, bytes, bytes)
    return await _unmasked(_all, talk(sent, timeout=seconds, metadata=metadata))


def silent(channel: grpc.aio.Channel, method: str) -> "grpc.aio.StreamStreamCall[bytes, bytes]":
    """A call of any kind that has sent nothing yet."""
    opened: grpc.aio.StreamStreamMultiCallable[bytes, bytes] = channel.stream_stream(method)
    return opened(timeout=TIMEOUT_SECONDS)


async def _all(call: Any) -> list[bytes]:
    try:
        return [each async for each in call]
    finally:
        call.cancel()


async def _only(call: Any) -> list[bytes]:
    return [await call]


async def _unmasked(answers: Callable[[Any], Awaitable[list[bytes]]], call: Any) -> list[bytes]:
    ending = Ending(call)
    try:
        return await answers(call)
    except grpc.aio.AioRpcError as error:
        raise ending.behind(error) from error


async def ask(channel: grpc.aio.Channel, method: str = ONE) -> list[bytes]:
    """As `call`, but raises the typed error."""
    with PEER.translated():
        return await call(channel, method)
