"""What a handler raises is what the client raises, in every kind of call."""

import logging

import grpc
import pytest

from latentflow.errors import (
    DownloadFailed,
    Draining,
    InternalError,
    LatentFlowError,
    LatentRevoked,
    Refused,
    ServiceUnavailable,
)
from latentflow.rpc.channel import open_channel
from tests.integration.rpc.probe import METHODS, ONE, SERVICE, Context, ask, call, probe, served
from tests.unit.rpc.samples import SAMPLES

SECRET = "the memo says 4711"


@pytest.mark.parametrize("error", SAMPLES, ids=lambda error: type(error).__name__)
async def test_every_error_crosses_the_wire_whole(error: LatentFlowError) -> None:
    async def fail(context: Context) -> bytes:
        raise error

    async with served(probe(fail)) as there:
        with pytest.raises(type(error)) as raised:
            await ask(there.channel)
    assert raised.value.details() == error.details()


@pytest.mark.parametrize("method", METHODS)
async def test_every_kind_of_call_reports_a_typed_error(method: str) -> None:
    async def fail(context: Context) -> bytes:
        raise LatentRevoked(latent_id="01K3")

    async with served(probe(fail)) as there:
        with pytest.raises(LatentRevoked, match="01K3"):
            await ask(there.channel, method)


@pytest.mark.parametrize("method", METHODS)
async def test_every_kind_of_call_answers(method: str) -> None:
    async def answer(context: Context) -> bytes:
        return b"done"

    async with served(probe(answer)) as there:
        assert (await call(there.channel, method))[-1] == b"done"


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    "exception",
    [ValueError(SECRET), KeyError(SECRET), grpc.aio.UsageError(SECRET), TimeoutError(SECRET)],
    ids=lambda exception: type(exception).__name__,
)
async def test_an_unknown_exception_leaks_nothing_and_is_logged(
    method: str, exception: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    async def fail(context: Context) -> bytes:
        raise exception

    async with served(probe(fail)) as there:
        with caplog.at_level(logging.ERROR), pytest.raises(grpc.aio.AioRpcError) as raised:
            await call(there.channel, method)
    assert raised.value.code() is grpc.StatusCode.INTERNAL
    assert raised.value.details() == "internal error"
    assert SECRET not in repr(list(raised.value.trailing_metadata()))
    assert SECRET in caplog.text
    assert method in caplog.text


async def test_an_error_of_a_peer_is_not_passed_on_as_our_own() -> None:
    async def fail(context: Context) -> bytes:
        raise grpc.aio.AioRpcError(grpc.StatusCode.NOT_FOUND, details=SECRET)

    async with served(probe(fail)) as there:
        with pytest.raises(InternalError):
            await ask(there.channel)


@pytest.mark.parametrize(
    "error", [Refused(), DownloadFailed(model="m", problem=SECRET)], ids=["abstract", "local"]
)
async def test_an_error_that_may_not_be_shown_is_an_internal_one(
    error: LatentFlowError, caplog: pytest.LogCaptureFixture
) -> None:
    async def fail(context: Context) -> bytes:
        raise error

    async with served(probe(fail)) as there:
        with pytest.raises(grpc.aio.AioRpcError) as raised:
            await call(there.channel, ONE)
    assert raised.value.code() is grpc.StatusCode.INTERNAL
    assert raised.value.details() == "internal error"
    assert SECRET not in repr(list(raised.value.trailing_metadata()))
    assert type(error).__name__ in caplog.text


async def test_an_abort_of_the_handlers_own_stays_as_it_is() -> None:
    async def abort(context: Context) -> bytes:
        await context.abort(grpc.StatusCode.OUT_OF_RANGE, "mine")

    async with served(probe(abort)) as there:
        with pytest.raises(grpc.aio.AioRpcError) as raised:
            await call(there.channel, ONE)
    assert (raised.value.code(), raised.value.details()) == (grpc.StatusCode.OUT_OF_RANGE, "mine")


async def test_a_method_that_no_service_has_is_unimplemented() -> None:
    async def answer(context: Context) -> bytes:
        return b""

    async with served(probe(answer)) as there:
        with pytest.raises(grpc.aio.AioRpcError) as raised:
            await call(there.channel, f"/{SERVICE}/Other")
    assert raised.value.code() is grpc.StatusCode.UNIMPLEMENTED


async def test_an_unreachable_peer_is_named() -> None:
    # Port 1 (tcpmux) is closed.
    async with open_channel("127.0.0.1:1") as channel:
        with pytest.raises(ServiceUnavailable, match="the probe can't be reached"):
            await ask(channel)


async def test_a_refusal_with_a_reason_is_not_taken_for_unreachable() -> None:
    async def fail(context: Context) -> bytes:
        raise Draining(retry_after_seconds=2.0)

    async with served(probe(fail)) as there:
        with pytest.raises(Draining) as raised:
            await ask(there.channel)
    assert raised.value.retry_after_seconds == 2.0
