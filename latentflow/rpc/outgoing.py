"""Makes one call to a peer: with a deadline and the trace context, its failure a typed error."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import TypeVar

import grpc

from latentflow.errors import DeadlineExpired, MessageMalformed, Unreachable
from latentflow.rpc.propagation import outgoing_metadata
from latentflow.rpc.status import error_from

Request = TypeVar("Request")
Response = TypeVar("Response")

# How long gRPC may be late to end a call by its deadline.
OVERDUE_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Peer:
    """The service at the other end. `unreachable` makes the error for when it does not answer."""

    unreachable: Callable[[], Unreachable]

    async def ask(
        self,
        method: grpc.aio.UnaryUnaryMultiCallable[Request, Response],
        request: Request,
        *,
        timeout: float,
    ) -> Response:
        """The one response. Raises what the peer raised."""
        async with self.within(timeout):
            response = await method(request, timeout=timeout, metadata=outgoing_metadata())
        return require_readable(response)

    async def follow(
        self,
        method: grpc.aio.UnaryStreamMultiCallable[Request, Response],
        request: Request,
        *,
        timeout: float,
    ) -> AsyncGenerator[Response, None]:
        """The responses as they come; leaving early cancels the call. Raises what the peer did."""
        call = method(request, timeout=timeout, metadata=outgoing_metadata())
        try:
            with self.translated():
                async for response in call:
                    yield require_readable(response)
        finally:
            call.cancel()

    @asynccontextmanager
    async def within(self, timeout: float) -> AsyncGenerator[None, None]:
        """As `translated`; ends a call that outlives its deadline, as some did under load."""
        with self.translated():
            try:
                async with asyncio.timeout(timeout + OVERDUE_SECONDS):
                    yield
            except TimeoutError as error:
                raise DeadlineExpired from error

    @contextmanager
    def translated(self) -> Iterator[None]:
        """Turns gRPC's error into the typed one."""
        try:
            yield
        except grpc.aio.AioRpcError as error:
            raise error_from(error, self.unreachable) from error


def require_readable(response: Response | None) -> Response:
    """Raises MessageMalformed for the None that grpc.aio gives in place of what it can't parse."""
    if response is None:
        raise MessageMalformed(field="response", problem="not a protobuf message")
    return response
