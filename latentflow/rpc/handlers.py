"""Wraps the handler of any kind of RPC in one coroutine, so that an interceptor is one function.

Generator handlers are driven here, inside the wrapping coroutine: a deadline or a span then covers
the whole call, also while a response waits to be written. Knows nothing of what is wrapped around.
"""

import inspect
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeAlias

import grpc

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
    answer = answering(handler)

    async def wrapped(requests: Any, context: Context) -> Any:
        return await around(context, partial(answer, requests, context))

    return taking_requests(handler, wrapped, handler.request_deserializer)


def answering(handler: Handler) -> Behaviour:
    """What `handler` does, as one coroutine, whether it returns its answer or yields several."""
    return partial(_write_all if handler.response_streaming else _answer, _behaviour(handler))


def taking_requests(
    handler: Handler, behaviour: Behaviour, parse: Callable[[bytes], Any] | None
) -> Handler:
    """A handler of as many answers as `handler`, that takes its requests as they come."""
    make_handler = (
        grpc.stream_stream_rpc_method_handler
        if handler.response_streaming
        else grpc.stream_unary_rpc_method_handler
    )
    return make_handler(
        behaviour,
        request_deserializer=parse,
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
