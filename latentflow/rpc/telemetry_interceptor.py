"""One server span a call, child of the caller's, with the status that the caller gets.

A stock interceptor exists, but it breaks Health/Watch and records aborted calls as OK.
"""

import asyncio
from typing import Any

import grpc
from grpc import StatusCode
from opentelemetry import trace

from latentflow.rpc import conventions
from latentflow.rpc.handlers import CallInterceptor, Context, Proceed, ServedCall
from latentflow.rpc.methods import HEALTH_PREFIX
from latentflow.rpc.propagation import incoming_context

# Of the server's making; the others are the caller's (semantic conventions for gRPC servers).
_SERVER_FAULTS = frozenset(
    {
        StatusCode.UNKNOWN,
        StatusCode.DEADLINE_EXCEEDED,
        StatusCode.UNIMPLEMENTED,
        StatusCode.INTERNAL,
        StatusCode.UNAVAILABLE,
        StatusCode.DATA_LOSS,
    }
)


class TelemetryInterceptor(CallInterceptor):
    """Records method and status of each call, never a part of its content.

    Health checks are left out: every probe would be a trace of its own.
    """

    def __init__(self, tracer: trace.Tracer) -> None:
        self._tracer = tracer

    async def around(self, call: ServedCall, proceed: Proceed) -> Any:
        if call.method.startswith(HEALTH_PREFIX):
            return await proceed()
        return await self._recorded(call, proceed)

    async def _recorded(self, call: ServedCall, proceed: Proceed) -> Any:
        method = call.method.removeprefix("/")
        with self._tracer.start_as_current_span(
            method,
            context=incoming_context(call.metadata()),
            kind=trace.SpanKind.SERVER,
            attributes={conventions.RPC_SYSTEM: conventions.GRPC, conventions.RPC_METHOD: method},
            record_exception=False,
            set_status_on_exception=False,
        ) as span:
            try:
                answer = await proceed()
            except BaseException as error:
                _record(span, _code_of_failure(error, call.context))
                raise
            _record(span, _code_set(call.context, otherwise=StatusCode.OK))
            return answer


def _code_of_failure(error: BaseException, context: Context) -> StatusCode:
    match error:
        case grpc.aio.BaseError():
            # The call was aborted, or the caller was gone when it was to be told something.
            return _code_set(context, otherwise=_code_of_parting(context))
        case asyncio.CancelledError():
            return _code_of_parting(context)
        case _:
            return StatusCode.UNKNOWN


def _code_of_parting(context: Context) -> StatusCode:
    """Why a caller no longer listens."""
    if context.time_remaining() == 0:
        return StatusCode.DEADLINE_EXCEEDED
    return StatusCode.CANCELLED


def _code_set(context: Context, *, otherwise: StatusCode) -> StatusCode:
    # grpc.aio answers the number 0, not a StatusCode, until a code was set.
    code: object = context.code()
    return code if isinstance(code, StatusCode) else otherwise


def _record(span: trace.Span, code: StatusCode) -> None:
    span.set_attribute(conventions.RPC_STATUS_CODE, code.name)
    if code in _SERVER_FAULTS:
        span.set_attribute(conventions.ERROR_TYPE, code.name)
        span.set_status(trace.StatusCode.ERROR)
