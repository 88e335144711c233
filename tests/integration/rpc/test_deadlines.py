"""Every call ends, by its own deadline or by the server's, and its work ends with it."""

import asyncio
import math
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import grpc
import pytest

from latentflow.errors import DeadlineExpired, InternalError
from latentflow.rpc.deadline_interceptor import remaining_seconds
from latentflow.rpc.server import ServerSettings
from tests.integration.rpc.probe import (
    MANY,
    METHODS,
    ONE,
    PEER,
    Context,
    ask,
    call,
    probe,
    registration,
    served,
    silent,
)

SHORT = ServerSettings(grace_seconds=0, default_deadline_seconds=0.05, max_deadline_seconds=0.05)
LONG = ServerSettings(grace_seconds=0, default_deadline_seconds=30, max_deadline_seconds=60)


class Endless:
    """Work that only a cancellation ends; `ended` says that it did."""

    def __init__(self) -> None:
        self.began = asyncio.Event()
        self.ended = asyncio.Event()

    async def __call__(self, context: Context) -> bytes:
        self.began.set()
        try:
            return await asyncio.Future[bytes]()
        finally:
            self.ended.set()


@pytest.mark.parametrize("seconds", [None, 1000.0], ids=["none asked", "longer asked"])
@pytest.mark.parametrize("method", METHODS)
async def test_work_ends_at_the_servers_deadline(method: str, seconds: float | None) -> None:
    work = Endless()
    async with served(probe(work), settings=SHORT) as there:
        with pytest.raises(DeadlineExpired), PEER.translated():
            await call(there.channel, method, seconds=seconds)
        await asyncio.wait_for(work.ended.wait(), 20)


@pytest.mark.parametrize("method", METHODS)
async def test_a_request_that_does_not_come_is_not_waited_for_longer(method: str) -> None:
    async with served(probe(Endless()), settings=SHORT) as there:
        assert await silent(there.channel, method).code() is grpc.StatusCode.DEADLINE_EXCEEDED


@pytest.mark.parametrize("method", [ONE, MANY, "/grpc.health.v1.Health/Watch"])
async def test_a_request_has_a_time_of_its_own_also_where_the_call_has_no_end(method: str) -> None:
    settings = replace(LONG, request_seconds=0.05)
    async with served(probe(Endless()), settings=settings) as there:
        assert await silent(there.channel, method).code() is grpc.StatusCode.DEADLINE_EXCEEDED


@pytest.mark.parametrize("method", [ONE, MANY])
async def test_a_request_that_is_left_out_is_refused(method: str) -> None:
    async with served(probe(Endless()), settings=LONG) as there:
        asked = silent(there.channel, method)
        await asked.done_writing()
        assert await asked.code() is grpc.StatusCode.INVALID_ARGUMENT


@pytest.mark.parametrize("method", METHODS)
async def test_work_ends_at_the_callers_deadline(method: str) -> None:
    work = Endless()
    async with served(probe(work), settings=LONG) as there:
        with pytest.raises(DeadlineExpired), PEER.translated():
            await call(there.channel, method, seconds=0.05)
        await asyncio.wait_for(work.ended.wait(), 20)


@pytest.mark.parametrize("method", METHODS)
async def test_work_ends_when_the_caller_leaves(method: str) -> None:
    work = Endless()
    async with served(probe(work), settings=LONG) as there:
        calling = asyncio.create_task(call(there.channel, method))
        await asyncio.wait_for(work.began.wait(), 20)
        calling.cancel()
        with pytest.raises(asyncio.CancelledError):
            await calling
        await asyncio.wait_for(work.ended.wait(), 20)


@pytest.mark.parametrize(
    ("seconds", "most"), [(None, 30), (5, 5), (1000, 60)], ids=["default", "asked", "capped"]
)
async def test_work_is_told_how_long_it_may_take(seconds: float | None, most: float) -> None:
    async def tell(context: Context) -> bytes:
        return str(remaining_seconds()).encode()

    async with served(probe(tell), settings=LONG) as there:
        (told,) = await call(there.channel, ONE, seconds=seconds)
    assert float(told) == pytest.approx(most, abs=4)


async def test_outside_of_a_call_nothing_presses() -> None:
    assert remaining_seconds() == math.inf


async def test_a_timeout_of_the_works_own_is_not_the_calls_deadline() -> None:
    async def time_out(context: Context) -> bytes:
        raise TimeoutError

    async with served(probe(time_out), settings=LONG) as there:
        with pytest.raises(InternalError):
            await ask(there.channel)


class Flood:
    """Answers without end, and is kept alive: nobody but the server's wrapping can close it."""

    def __init__(self) -> None:
        self.ended = asyncio.Event()
        self.kept: list[AsyncIterator[bytes]] = []

    def __call__(self, request: bytes, context: Context) -> AsyncIterator[bytes]:
        self.kept.append(self.answers())
        return self.kept[-1]

    async def answers(self) -> AsyncIterator[bytes]:
        try:
            while True:
                yield bytes(64 * 1024)
        finally:
            self.ended.set()


async def test_work_for_a_reader_that_does_not_read_ends_at_the_deadline_too() -> None:
    flood = Flood()
    handler: Any = grpc.unary_stream_rpc_method_handler(flood)
    async with served(registration(Many=handler), settings=SHORT) as there:
        unread = there.channel.unary_stream(MANY, bytes, bytes)(b"")
        await asyncio.wait_for(flood.ended.wait(), 20)
        unread.cancel()
