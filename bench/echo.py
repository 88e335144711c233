"""`python -m bench.echo PORT`: a bare gRPC server that sends back what it gets, whole or in parts.

No interceptor, no message type: what the broker's round trip is compared with.
"""

import asyncio
import sys
from collections.abc import AsyncIterator, Sequence
from typing import Any

import grpc

from latentflow.rpc.process import run

_SERVICE = "bench.Echo"
_TIMEOUT = 30.0

Context = grpc.aio.ServicerContext[bytes, bytes]


class EchoClient:
    """The other end: bytes in, the same bytes out."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self._whole: Any = channel.unary_unary(f"/{_SERVICE}/Whole")
        self._parts: Any = channel.stream_stream(f"/{_SERVICE}/Parts")

    async def whole(self, message: bytes) -> bytes:
        answer: bytes = await self._whole(message, timeout=_TIMEOUT)
        return answer

    async def parts(self, messages: Sequence[bytes]) -> list[bytes]:
        """Sends without waiting for what comes back."""
        return [answer async for answer in self._parts(_each(messages), timeout=_TIMEOUT)]


async def _each(messages: Sequence[bytes]) -> AsyncIterator[bytes]:
    for message in messages:
        yield message


async def _whole(request: bytes, _context: Context) -> bytes:
    return request


async def _parts(requests: AsyncIterator[bytes], _context: Context) -> AsyncIterator[bytes]:
    async for request in requests:
        yield request


async def _serve(port: int, stop: asyncio.Event) -> None:
    server = grpc.aio.server(options=[("grpc.so_reuseport", 0)])
    handlers: dict[str, Any] = {
        "Whole": grpc.unary_unary_rpc_method_handler(_whole),
        "Parts": grpc.stream_stream_rpc_method_handler(_parts),
    }
    server.add_generic_rpc_handlers([grpc.method_handlers_generic_handler(_SERVICE, handlers)])
    server.add_insecure_port(f"127.0.0.1:{port}")
    await server.start()
    await stop.wait()
    await server.stop(grace=1.0)


if __name__ == "__main__":
    run(lambda stop: _serve(int(sys.argv[1]), stop))
