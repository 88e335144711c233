"""One server span a call, with the caller as its parent and the status that the caller got; and
its duration."""

import asyncio
from collections.abc import Callable
from contextlib import suppress

import grpc
import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import SpanKind, StatusCode, get_current_span

from latentflow.errors import StoreUnavailable, UnknownLatent
from latentflow.rpc.metric_names import CALL_DURATION
from tests.integration.rpc.probe import METHODS, ONE, Context, Work, call, probe, served
from tests.integration.rpc.spans import Spans, attributes
from tests.readings import Readings


async def answer(context: Context) -> bytes:
    return b"done"


async def hang(context: Context) -> bytes:
    return await asyncio.Future[bytes]()


async def span_of(work: Work, method: str = ONE, *, seconds: float | None = 20) -> ReadableSpan:
    """The one span of a call that may fail."""
    with Spans() as spans:
        async with served(probe(work), telemetry=spans.telemetry) as there:
            with suppress(grpc.aio.AioRpcError):
                await call(there.channel, method, seconds=seconds)
        return spans.only()


def summary(span: ReadableSpan) -> tuple[object, StatusCode]:
    return attributes(span)["rpc.response.status_code"], span.status.status_code


@pytest.mark.parametrize("method", METHODS)
async def test_every_kind_of_call_is_one_server_span(method: str) -> None:
    span = await span_of(answer, method)
    assert span.name == method.removeprefix("/")
    assert span.kind is SpanKind.SERVER
    assert attributes(span) == {
        "rpc.system.name": "grpc",
        "rpc.method": method.removeprefix("/"),
        "rpc.response.status_code": "OK",
    }


@pytest.mark.parametrize("method", METHODS)
async def test_a_callers_mistake_is_recorded_but_no_server_error(method: str) -> None:
    async def fail(context: Context) -> bytes:
        raise UnknownLatent(latent_id="x")

    span = await span_of(fail, method)
    assert summary(span) == ("NOT_FOUND", StatusCode.UNSET)
    assert attributes(span)["latentflow.error.reason"] == "UNKNOWN_LATENT"


@pytest.mark.parametrize("method", METHODS)
async def test_a_failure_of_the_server_is_an_error(method: str) -> None:
    async def fail(context: Context) -> bytes:
        raise StoreUnavailable(retry_after_seconds=1.0)

    span = await span_of(fail, method)
    assert summary(span) == ("UNAVAILABLE", StatusCode.ERROR)
    assert attributes(span)["error.type"] == "UNAVAILABLE"


@pytest.mark.parametrize("method", METHODS)
async def test_an_unknown_exception_is_an_error_without_its_text(method: str) -> None:
    async def fail(context: Context) -> bytes:
        raise ValueError("secret")

    span = await span_of(fail, method)
    assert summary(span) == ("INTERNAL", StatusCode.ERROR)
    assert "secret" not in span.to_json()


@pytest.mark.parametrize("method", METHODS)
async def test_an_abort_of_the_handlers_own_is_recorded_as_it_is(method: str) -> None:
    async def abort(context: Context) -> bytes:
        await context.abort(grpc.StatusCode.OUT_OF_RANGE, "mine")

    assert summary(await span_of(abort, method)) == ("OUT_OF_RANGE", StatusCode.UNSET)


async def test_a_deadline_that_passed_is_an_error() -> None:
    with Spans() as spans:
        async with served(probe(hang), telemetry=spans.telemetry) as there:
            await miss(there.channel, 2.0)
            await until(lambda: len(spans.all()) == len(METHODS))
        codes = [summary(span) for span in spans.all()]
    assert codes == [("DEADLINE_EXCEEDED", StatusCode.ERROR)] * len(METHODS)


async def test_so_is_one_of_which_grpc_tells_the_server_a_later_one() -> None:
    """3.001 s go as 3010 ms; 3.95 s go as 4 s, which the connection has sent before."""

    async def answer_ahead(context: Context) -> bytes:
        return await (answer if ahead else hang)(context)

    with Spans() as spans:
        async with served(probe(answer_ahead), telemetry=spans.telemetry) as there:
            ahead = True
            await call(there.channel, ONE, seconds=4)
            ahead = False
            await miss(there.channel, 3.001, 3.95)
            await until(lambda: len(spans.all()) == 1 + 2 * len(METHODS))
        _, *missed = spans.all()
    codes = [summary(span) for span in missed]
    assert codes == [("DEADLINE_EXCEEDED", StatusCode.ERROR)] * 2 * len(METHODS)


async def miss(channel: grpc.aio.Channel, *deadlines: float) -> None:
    """Calls every method with each deadline, in seconds, at once; all hang. With short ones a busy
    machine may take longer for the calls' way than for the news of their end.
    """
    await channel.channel_ready()
    late = [call(channel, method, seconds=each) for each in deadlines for method in METHODS]
    await asyncio.gather(*late, return_exceptions=True)


@pytest.mark.parametrize("method", METHODS)
async def test_a_caller_that_leaves_is_no_error(method: str) -> None:
    began = asyncio.Event()

    async def begin(context: Context) -> bytes:
        began.set()
        return await hang(context)

    with Spans() as spans:
        async with served(probe(begin), telemetry=spans.telemetry) as there:
            calling = asyncio.create_task(call(there.channel, method))
            await asyncio.wait_for(began.wait(), 20)
            calling.cancel()
            await asyncio.gather(calling, return_exceptions=True)
            await until(lambda: bool(spans.all()))
        assert summary(spans.only()) == ("CANCELLED", StatusCode.UNSET)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("error", [None, UnknownLatent(latent_id="x"), ValueError("secret")])
async def test_every_call_is_timed_by_method_and_status(
    method: str, error: Exception | None
) -> None:
    async def work(context: Context) -> bytes:
        if error is not None:
            raise error
        return b"done"

    readings = Readings()
    async with served(probe(work), telemetry=readings.telemetry) as there:
        with suppress(grpc.aio.AioRpcError):
            await call(there.channel, method)
    code = {type(None): "OK", UnknownLatent: "NOT_FOUND", ValueError: "INTERNAL"}[type(error)]
    assert readings.count(CALL_DURATION, rpc_response_status_code=code) == 1
    assert readings.count(CALL_DURATION, rpc_method=method.removeprefix("/")) == 1
    assert readings.count(CALL_DURATION, error_type="INTERNAL") == (code == "INTERNAL")


async def test_missed_deadlines_are_counted_as_the_servers_fault() -> None:
    readings, missed = Readings(), {"error_type": "DEADLINE_EXCEEDED"}
    async with served(probe(hang), telemetry=readings.telemetry) as there:
        await miss(there.channel, 2.0)
        await until(lambda: readings.count(CALL_DURATION) == len(METHODS))
    assert readings.count(CALL_DURATION, **missed) == len(METHODS)


async def until(is_so: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not is_so():  # noqa: ASYNC110 (nothing tells of the end of a span)
            await asyncio.sleep(0)


@pytest.mark.parametrize("method", METHODS)
async def test_the_callers_span_is_the_parent(method: str) -> None:
    with Spans() as spans:
        async with served(probe(answer), telemetry=spans.telemetry) as there:
            with spans.tracer.start_as_current_span("caller"):
                await call(there.channel, method)
        caller, server = spans.named("caller"), spans.named(method.removeprefix("/"))
    assert caller.context is not None
    assert server.parent is not None
    assert (server.parent.trace_id, server.parent.span_id) == (
        caller.context.trace_id,
        caller.context.span_id,
    )


async def test_the_work_runs_inside_the_span() -> None:
    seen: list[str] = []

    async def look(context: Context) -> bytes:
        seen.append(f"{get_current_span().get_span_context().span_id:016x}")
        return b""

    span = await span_of(look)
    assert span.context is not None
    assert seen == [f"{span.context.span_id:016x}"]
