"""Reads the request of a call that takes one, within a time that endless calls have too.

grpc.aio would wait for it, without an end, before anybody asked who calls, and answer one that is
no message with UNKNOWN and the exception's text. So this is the innermost interceptor: the others
see streams of requests only.
"""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import grpc

from latentflow.errors import DeadlineExpired, MessageMalformed
from latentflow.rpc.handlers import (
    Behaviour,
    Context,
    MaybeHandler,
    answering,
    taking_requests,
)


class RequestInterceptor(grpc.aio.ServerInterceptor):
    """Raises DeadlineExpired in a call whose request has not come whole after `seconds`."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[MaybeHandler]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> MaybeHandler:
        handler = await continuation(handler_call_details)
        if handler is None or handler.request_streaming:
            return handler
        parse = handler.request_deserializer or bytes
        behaviour = partial(self._answer, answering(handler), parse)
        return taking_requests(handler, behaviour, None)

    async def _answer(
        self,
        answer: Behaviour,
        parse: Callable[[bytes], Any],
        _: object,
        context: Context,
    ) -> Any:
        return await answer(parse(await self._request(context)), context)

    async def _request(self, context: Context) -> bytes:
        try:
            async with asyncio.timeout(self._seconds):
                request: Any = await context.read()
        except TimeoutError as error:
            raise DeadlineExpired from error
        if request is grpc.aio.EOF:
            raise MessageMalformed(field="request", problem="is missing")
        return bytes(request)
