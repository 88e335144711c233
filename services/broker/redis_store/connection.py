"""Connections to the Redis server, and its failures as the broker's own errors."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from importlib.resources import files

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.commands.core import AsyncScript
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import NoPermissionError, OutOfMemoryError, ReadOnlyError, RedisError
from redis.exceptions import TimeoutError as RedisTimeoutError

from latentflow.errors import StoreFull, StoreUnavailable

COMMAND_CONNECTIONS = 64
CONNECT_SECONDS = 2.0
COMMAND_SECONDS = 5.0
RETRY_FULL_SECONDS = 5.0
RETRY_UNAVAILABLE_SECONDS = 1.0

_GONE = (OSError, RedisConnectionError, RedisTimeoutError, ReadOnlyError)
_GROUP_GONE = ("NOGROUP", "UNBLOCKED")


class Lane:
    """A number of connections; whoever asks takes turns on them."""

    def __init__(self, url: str, connections: int) -> None:
        # No socket timeout of redis-py's: before Python 3.12 it can swallow a cancellation, and
        # it cuts off reads that wait for news. What bounds a turn is the timeout in `turn`.
        self.client = Redis.from_url(
            url,
            max_connections=connections,
            socket_timeout=None,
            socket_connect_timeout=CONNECT_SECONDS,
            retry=Retry(NoBackoff(), 1),
            protocol=2,
        )
        self._turns = asyncio.Semaphore(connections)

    @asynccontextmanager
    async def turn(self, *, wait_ms: int = 0) -> AsyncIterator[Redis]:
        """The client, for one command or a few, of which the server may wait `wait_ms` for news.

        Raises StoreFull or StoreUnavailable for what goes wrong. A group that vanishes under its
        reader (its flow was forgotten) counts as unavailable: watching anew makes it again.
        """
        async with self._turns:
            try:
                async with asyncio.timeout(wait_ms / 1000 + COMMAND_SECONDS):
                    yield self.client
            except (OSError, RedisError) as error:
                _raise_meaning(error)
                raise


@dataclass(frozen=True, slots=True, kw_only=True)
class Connections:
    """Two lanes: a reader that waits for news never holds up a command."""

    commands: Lane
    followers: Lane

    async def close(self) -> None:
        await self.commands.client.aclose()
        await self.followers.client.aclose()


def connect(url: str, *, followers: int) -> Connections:
    """Opens no connection yet. `followers` readers may wait for news at once, others in turn."""
    return Connections(commands=Lane(url, COMMAND_CONNECTIONS), followers=Lane(url, followers))


def _raise_meaning(error: Exception) -> None:
    """Raises nothing for an error that says that the mistake is ours."""
    if isinstance(error, OutOfMemoryError):
        raise StoreFull(retry_after_seconds=RETRY_FULL_SECONDS) from error
    if isinstance(error, _GONE) or str(error).startswith(_GROUP_GONE):
        raise StoreUnavailable(retry_after_seconds=RETRY_UNAVAILABLE_SECONDS) from error


def source(verb: str) -> str:
    """One of the scripts under services/broker/scripts."""
    return files("services.broker").joinpath("scripts", f"{verb}.lua").read_text()


def script(lane: Lane, verb: str) -> AsyncScript:
    """One of the scripts as a function that runs it by its digest, and loads it where it is new."""
    return lane.client.register_script(source(verb))


async def remarks(lane: Lane) -> Sequence[str]:
    """What is wrong with the server's settings. Raises StoreUnavailable."""
    try:
        async with lane.turn() as redis:
            memory = await redis.info("memory")
    except NoPermissionError:
        return ("this user may not call INFO: maxmemory-policy was not checked",)
    policy = memory.get("maxmemory_policy", "unknown")
    if policy == "noeviction":
        return ()
    return (f"maxmemory-policy is {policy}: it must be noeviction, or latents vanish",)
