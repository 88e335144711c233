"""Wraps the handler of any kind of RPC in one coroutine, so that an interceptor is one function.

Generator handlers are driven here, inside the wrapping coroutine: a deadline or a span then covers
the whole call, also while a response waits to be written. So is the reading of a single request:
grpc.aio would wait for it, without an end, before anybody asked who calls, and answer one that is
no message with UNKNOWN and the exception's text. Knows nothing of what is wrapped around.
"""

import inspect
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeAlias

import grpc

from latentflow.errors import MessageMalformed

Context = grpc.aio.ServicerContext[Any, Any]
Handler: TypeAlias = "grpc.RpcMethodHandler[Any, Any]"
MaybeHandler: TypeAlias = "Handler | None"
# Typed for synchronous servers in the stubs, hence the arguments left open.
Behaviour = Callable[..., Any]
Proceed = Callable[[], Awaitable[Any]]

# gRPC's names for what it knows of a peer over TLS.
_PEER_CERTIFICATE = "x509_pem_cert"
_PEER_URI = "peer_uri"


@dataclass(frozen=True, slots=True, kw_only=True)
class ServedCall:
    """One call being served. `method` is its full name: /package.Service/Method."""

    method: str
    context: Context

    def metadata(self) -> dict[str, str]:
        """The caller's textual metadata; of a repeated key the last value."""
        pairs = self.context.invocation_metadata() or ()
        return {key: value for key, value in pairs if isinstance(value, str)}

    def peer_uris(self) -> frozenset[str] | None:
        """The URIs in the certificate that the peer proved to have; None when it showed none."""
        proved = self.context.auth_context()
        if _PEER_CERTIFICATE not in proved:
            return None
        return frozenset(uri.decode() for uri in proved.get(_PEER_URI, ()))


class CallInterceptor(grpc.aio.ServerInterceptor, ABC):
    """A server interceptor that is one coroutine around the whole call."""

    @abstractmethod
    async def around(self, call: ServedCall, proceed: Proceed) -> Any:
        """Awaits `proceed()` once at most and returns what it returned."""

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[MaybeHandler]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> MaybeHandler:
        handler = await continuation(handler_call_details)
        if handler is None:
            return None
        return _wrapped(handler, partial(self._served, handler_call_details.method))

    async def _served(self, method: str, context: Context, proceed: Proceed) -> Any:
        return await self.around(ServedCall(method=method, context=context), proceed)


def _wrapped(handler: Handler, around: Callable[[Context, Proceed], Awaitable[Any]]) -> Handler:
    behaviour = _behaviour(handler)
    run = _write_all if handler.response_streaming else _answer
    if not handler.request_streaming:
        run = partial(_read_first, run, handler.request_deserializer or bytes)

    async def wrapped(request: Any, context: Context) -> Any:
        return await around(context, partial(run, behaviour, request, context))

    make_handler = (
        grpc.stream_stream_rpc_method_handler
        if handler.response_streaming
        else grpc.stream_unary_rpc_method_handler
    )
    return make_handler(
        wrapped,
        request_deserializer=handler.request_deserializer if handler.request_streaming else None,
        response_serializer=handler.response_serializer,
    )


def _behaviour(handler: Handler) -> Behaviour:
    kinds: tuple[Behaviour | None, ...] = (
        handler.unary_unary,
        handler.unary_stream,
        handler.stream_unary,
        handler.stream_stream,
    )
    return next(behaviour for behaviour in kinds if behaviour is not None)


async def _read_first(
    run: Behaviour,
    parse: Callable[[bytes], Any],
    behaviour: Behaviour,
    _: object,
    context: Context,
) -> Any:
    raw = await context.read()
    if raw is grpc.aio.EOF:
        raise MessageMalformed(field="request", problem="is missing")
    return await run(behaviour, parse(raw), context)


async def _answer(behaviour: Behaviour, request: Any, context: Context) -> Any:
    return await behaviour(request, context)


async def _write_all(behaviour: Behaviour, request: Any, context: Context) -> None:
    responses = behaviour(request, context)
    if inspect.isawaitable(responses):
        await responses
        return
    async with aclosing(responses):
        async for response in responses:
            await context.write(response)
