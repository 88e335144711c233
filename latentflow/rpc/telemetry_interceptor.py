"""One server span a call, child of the caller's, with the status that the caller gets; and how
long it took.

A stock interceptor exists, but it breaks Health/Watch and records aborted calls as OK.
"""

import asyncio
import time
from collections.abc import Set
from functools import partial
from typing import Any

import grpc
from grpc import StatusCode
from opentelemetry import trace

from latentflow.rpc import conventions, metric_names
from latentflow.rpc.handlers import CallInterceptor, Context, Proceed, ServedCall
from latentflow.rpc.instruments import histogram
from latentflow.rpc.methods import HEALTH_PREFIX
from latentflow.rpc.parting import code_of_parting
from latentflow.rpc.propagation import incoming_context
from latentflow.rpc.telemetry import Telemetry

# Of the server's making, as is DEADLINE_EXCEEDED where there is a deadline to keep; the others are
# the caller's (semantic conventions for gRPC servers).
_SERVER_FAULTS = frozenset(
    {
        StatusCode.UNKNOWN,
        StatusCode.UNIMPLEMENTED,
        StatusCode.INTERNAL,
        StatusCode.UNAVAILABLE,
        StatusCode.DATA_LOSS,
    }
)


class TelemetryInterceptor(CallInterceptor):
    """Records method and status of each call, never a part of its content.

    Health checks are left out: every probe would be a trace of its own. A deadline is how a call
    of an `endless` method ends, and of the others the server's fault.
    """

    def __init__(self, telemetry: Telemetry, *, endless: Set[str]) -> None:
        self._endless = endless
        self._tracer = telemetry.tracer
        self._duration = histogram(telemetry.meter, metric_names.CALL_DURATION)

    async def around(self, call: ServedCall, proceed: Proceed) -> Any:
        if call.method.startswith(HEALTH_PREFIX):
            return await proceed()
        return await self._recorded(call, proceed)

    async def _recorded(self, call: ServedCall, proceed: Proceed) -> Any:
        began_at, asked_seconds = time.perf_counter(), call.context.time_remaining()
        with self._tracer.start_as_current_span(
            _name(call),
            context=incoming_context(call.metadata()),
            kind=trace.SpanKind.SERVER,
            attributes=_known(call),
            record_exception=False,
            set_status_on_exception=False,
        ) as span:
            # Inside the span: it becomes the exemplar of the duration.
            ended = partial(self._ended, span, call, began_at)
            try:
                answer = await proceed()
            except BaseException as error:
                ended(_code_of_failure(error, call.context, asked_seconds))
                raise
            ended(_code_set(call.context, otherwise=StatusCode.OK))
            return answer

    def _ended(self, span: trace.Span, call: ServedCall, began_at: float, code: StatusCode) -> None:
        status = {conventions.RPC_STATUS_CODE: code.name}
        if self._is_fault(call, code):
            status[conventions.ERROR_TYPE] = code.name
            span.set_status(trace.StatusCode.ERROR)
        span.set_attributes(status)
        self._duration.record(time.perf_counter() - began_at, _known(call) | status)

    def _is_fault(self, call: ServedCall, code: StatusCode) -> bool:
        if code is StatusCode.DEADLINE_EXCEEDED:
            return call.method not in self._endless
        return code in _SERVER_FAULTS


def _name(call: ServedCall) -> str:
    return call.method.removeprefix("/")


def _known(call: ServedCall) -> dict[str, str]:
    return {conventions.RPC_SYSTEM: conventions.GRPC, conventions.RPC_METHOD: _name(call)}


def _code_of_failure(
    error: BaseException, context: Context, asked_seconds: float | None
) -> StatusCode:
    parting = code_of_parting(asked_seconds=asked_seconds, left_seconds=context.time_remaining())
    match error:
        case grpc.aio.BaseError():
            # The call was aborted, or the caller was gone when it was to be told something.
            return _code_set(context, otherwise=parting)
        case asyncio.CancelledError():
            return parting
        case _:
            return StatusCode.UNKNOWN


def _code_set(context: Context, *, otherwise: StatusCode) -> StatusCode:
    # grpc.aio answers the number 0, not a StatusCode, until a code was set.
    code: object = context.code()
    return code if isinstance(code, StatusCode) else otherwise
