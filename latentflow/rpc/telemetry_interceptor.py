"""One server span a call, child of the caller's, with the status that the caller gets; and how
long it took.

A stock interceptor exists, but it breaks Health/Watch and records aborted calls as OK.
"""

import asyncio
import time
from functools import partial
from typing import Any

import grpc
from grpc import StatusCode
from opentelemetry import trace

from latentflow.rpc import conventions, metric_names
from latentflow.rpc.handlers import CallInterceptor, Context, Proceed, ServedCall
from latentflow.rpc.instruments import histogram
from latentflow.rpc.methods import HEALTH_PREFIX
from latentflow.rpc.propagation import incoming_context
from latentflow.rpc.telemetry import Telemetry

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

    def __init__(self, telemetry: Telemetry) -> None:
        self._tracer = telemetry.tracer
        self._duration = histogram(telemetry.meter, metric_names.CALL_DURATION)

    async def around(self, call: ServedCall, proceed: Proceed) -> Any:
        if call.method.startswith(HEALTH_PREFIX):
            return await proceed()
        return await self._recorded(call, proceed)

    async def _recorded(self, call: ServedCall, proceed: Proceed) -> Any:
        began_at = time.perf_counter()
        known = {
            conventions.RPC_SYSTEM: conventions.GRPC,
            conventions.RPC_METHOD: call.method.removeprefix("/"),
        }
        with self._tracer.start_as_current_span(
            known[conventions.RPC_METHOD],
            context=incoming_context(call.metadata()),
            kind=trace.SpanKind.SERVER,
            attributes=known,
            record_exception=False,
            set_status_on_exception=False,
        ) as span:
            # Inside the span: it becomes the exemplar of the duration.
            ended = partial(self._ended, span, known, began_at)
            try:
                answer = await proceed()
            except BaseException as error:
                ended(_code_of_failure(error, call.context))
                raise
            ended(_code_set(call.context, otherwise=StatusCode.OK))
            return answer

    def _ended(
        self, span: trace.Span, known: dict[str, str], began_at: float, code: StatusCode
    ) -> None:
        status = {conventions.RPC_STATUS_CODE: code.name}
        if code in _SERVER_FAULTS:
            status[conventions.ERROR_TYPE] = code.name
            span.set_status(trace.StatusCode.ERROR)
        span.set_attributes(status)
        self._duration.record(time.perf_counter() - began_at, known | status)


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
