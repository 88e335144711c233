"""Bytes that changed between the broker and its store are never taken for what was sent."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest

from latentflow.errors import StoreUnavailable, StreamMismatch
from services.broker.redis_store.connection import Connections, connect
from services.broker.redis_store.latents import RedisLatents
from services.broker.redis_store.scripts import script
from services.broker.store_url import parse_store_url
from tests.contract.samples import LIMITS, new_commit, new_frame, new_opening, new_ref
from tests.manual_clock import ManualClock
from tests.store_servers import StoreServer

Answer = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@pytest.fixture
async def connections(valkey: StoreServer) -> AsyncIterator[Connections]:
    opened = connect(parse_store_url(valkey.url), followers=8)
    yield opened
    await opened.close()


@asynccontextmanager
async def serving(answer: Answer) -> AsyncIterator[Connections]:
    """Connections to a server that gives `answer`."""
    listening = await asyncio.start_server(answer, "127.0.0.1", 0)
    port = listening.sockets[0].getsockname()[1]
    opened = connect(parse_store_url(f"redis://127.0.0.1:{port}/0"), followers=1)
    yield opened
    await opened.close()
    listening.close()
    await listening.wait_closed()


async def test_publisher_is_not_told_of_a_commit_that_the_store_has_otherwise(
    connections: Connections, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    latents = RedisLatents(connections, LIMITS)
    arrives = latents._commit

    async def changed(keys: Sequence[str], args: list[Any]) -> Any:
        frames, payload_bytes, sha256, *times = args
        other = sha256.translate(str.maketrans("0123456789abcdef", "123456789abcdef0"))
        return await arrives(keys=keys, args=[frames, payload_bytes, other, *times])

    monkeypatch.setattr(latents, "_commit", changed)
    ref, frame = new_ref(), new_frame(0)
    await latents.open(ref, new_opening(clock()), now_ms=clock())
    await latents.append(ref, [frame], now_ms=clock())
    with pytest.raises(StreamMismatch, match="sha256"):
        await latents.commit(ref, new_commit(frame), now_ms=clock())


@pytest.mark.parametrize(
    "reply",
    [
        b"\xd1\xb7\r\n",
        b":x\r\n",
        b"-Protocol error: invalid CRLF in request\r\n",
        b"-ERR unknown command 'HGETALM', with args beginning with: 'secret'\r\n",
    ],
)
async def test_reply_that_can_not_be_read_counts_as_none(reply: bytes) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.read(4096):
            writer.write(reply)
        writer.close()

    async with serving(answer) as opened:
        with pytest.raises(StoreUnavailable):
            await RedisLatents(opened, LIMITS).find(new_ref())


async def test_reply_too_many_is_not_heard_by_who_asked_next() -> None:
    """As when a changed byte made two commands of one."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while asked := await reader.read(4096):
            writer.write(b"+OK\r\n" * asked.count(b"SETINFO"))
            if b"ECHO" in asked:
                writer.write(b"$3\r\nodd\r\n$5\r\nfirst\r\n$6\r\nsecond\r\n$1\r\n0\r\n")
        writer.close()

    async with serving(answer) as opened:
        said = await asyncio.gather(
            *(opened.commands.ask("GET", key) for key in "ab"), return_exceptions=True
        )
    assert [type(each) for each in said] == [StoreUnavailable, StoreUnavailable]


async def test_script_that_arrived_changed_is_not_run_again(
    valkey: StoreServer, connections: Connections
) -> None:
    """A server that does not know a script is sent it anew, whatever it has run before."""
    lane = connections.commands
    run, ask = script(lane, "use_flow"), lane.ask
    with valkey.client() as raw:
        raw.script_flush()

    async def ask_changed(verb: str, text: str, *rest: Any) -> Any:
        return await ask(verb, "return 'changed'" if verb == "EVAL" else text, *rest)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lane, "ask", ask_changed)
        assert await run(keys=["flows"], args=["flow", 1000]) == b"changed"
    assert await run(keys=["flows"], args=["flow", 1000]) == 1
