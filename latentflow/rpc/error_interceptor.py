"""Turns what a handler raises into a status: typed errors by the table, all others into a bland
INTERNAL_ERROR whose story is in the log only.
"""

import asyncio
import logging
from typing import Any

import grpc
from google.protobuf.message import DecodeError
from grpc_status import rpc_status
from opentelemetry import trace

from latentflow.errors import InternalError, LatentFlowError, MessageMalformed
from latentflow.rpc.conventions import ERROR_REASON
from latentflow.rpc.facts import public, reason_of
from latentflow.rpc.handlers import CallInterceptor, Context, Proceed, ServedCall
from latentflow.rpc.status import status_of

_log = logging.getLogger(__name__)


class ErrorInterceptor(CallInterceptor):
    """Every call that fails, fails with a google.rpc.Status and its ErrorInfo."""

    async def around(self, call: ServedCall, proceed: Proceed) -> Any:
        try:
            return await self._translated(call, proceed)
        except grpc.aio.InternalError as error:
            # A write failed because the caller is gone, which is no error of this side.
            raise asyncio.CancelledError from error

    async def _translated(self, call: ServedCall, proceed: Proceed) -> Any:
        try:
            return await proceed()
        except LatentFlowError as error:
            if isinstance(public(error), InternalError):
                _log_story(call.method)
            await _abort(call.context, error)
        except DecodeError:
            # One request is parsed within the call, those of a stream as the handler takes them.
            problem = MessageMalformed(field="request", problem="not a protobuf message")
            await _abort(call.context, problem)
        except grpc.aio.BaseError as error:
            if not isinstance(error, grpc.aio.UsageError):
                raise
            _log_story(call.method)
            await _abort(call.context, InternalError())
        except Exception:
            _log_story(call.method)
            await _abort(call.context, InternalError())


async def _abort(context: Context, error: LatentFlowError) -> None:
    trace.get_current_span().set_attribute(ERROR_REASON, reason_of(error))
    await context.abort_with_status(rpc_status.to_status(status_of(error)))


def _log_story(method: str) -> None:
    trace_id = trace.get_current_span().get_span_context().trace_id
    _log.exception("%s failed, trace %032x", method, trace_id)
