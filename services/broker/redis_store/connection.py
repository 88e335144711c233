"""Turns at the Redis servers, and their failures as the broker's own errors."""

import asyncio
import re
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from redis.exceptions import (
    ClusterDownError,
    InvalidResponse,
    OutOfMemoryError,
    ReadOnlyError,
    RedisClusterException,
    RedisError,
)
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

from latentflow.errors import StoreFull, StoreUnavailable
from services.broker.redis_store.breaker import Breaker
from services.broker.redis_store.client import Client, Opened, open_client
from services.broker.store_url import StoreUrl

COMMAND_CONNECTIONS = 64
COMMAND_SECONDS = 5.0
RETRY_FULL_SECONDS = 5.0
RETRY_UNAVAILABLE_SECONDS = 1.0

_GONE = (
    OSError,
    RedisConnectionError,
    RedisTimeoutError,
    ReadOnlyError,
    ClusterDownError,
    RedisClusterException,
)
# Bytes that changed on their way. What redis-py says of them may hold a latent's, so it must not
# become an error of ours with its story in the log.
_UNREADABLE = (InvalidResponse, ValueError)
_NOT_NOW = re.compile(
    r"(Command # .* caused error: )?"
    r"(NOGROUP|UNBLOCKED|Protocol error|NOREPLICAS|MISCONF|MASTERDOWN|LOADING|TRYAGAIN"
    r"|(ERR )?unknown command|(ERR )?wrong number of arguments)",  # as changed bytes are
    re.DOTALL,
)


class Lane:
    """A number of connections; whoever asks takes turns on them."""

    def __init__(self, opened: Opened, connections: int, breaker: Breaker) -> None:
        self.client = opened.client
        self.close = opened.close
        self._turns = asyncio.Semaphore(connections)
        self._breaker = breaker

    @asynccontextmanager
    async def turn(self, *, wait_ms: int = 0, is_probe: bool = False) -> AsyncIterator[Client]:
        """The client, for one command or a few, of which the server may wait `wait_ms` for news.

        Raises StoreFull or StoreUnavailable for what goes wrong. A group that vanishes under its
        reader (its flow was forgotten) counts as unavailable: watching anew makes it again. So does
        a command or a reply that did not arrive as it was sent. A probe asks in any case, and what
        it finds does not count.
        """
        async with self._turns:
            breaker = Breaker(clock=time.monotonic) if is_probe else self._breaker
            breaker.admit()
            try:
                async with asyncio.timeout(wait_ms / 1000 + COMMAND_SECONDS):
                    yield self.client
            except (*_GONE, *_UNREADABLE) as error:
                breaker.failed()
                raise StoreUnavailable(retry_after_seconds=RETRY_UNAVAILABLE_SECONDS) from error
            except RedisError as error:
                breaker.succeeded()
                _raise_meaning(error)
                raise
            else:
                breaker.succeeded()


@dataclass(frozen=True, slots=True, kw_only=True)
class Connections:
    """Two lanes: a reader that waits for news never holds up a command."""

    commands: Lane
    followers: Lane

    async def close(self) -> None:
        await self.commands.close()
        await self.followers.close()


def connect(url: StoreUrl, *, followers: int) -> Connections:
    """Opens no connection yet. `followers` readers may wait for news at once, others in turn."""
    breaker = Breaker(clock=time.monotonic)
    return Connections(
        commands=_lane(url, COMMAND_CONNECTIONS, breaker), followers=_lane(url, followers, breaker)
    )


def _lane(url: StoreUrl, connections: int, breaker: Breaker) -> Lane:
    return Lane(open_client(url, connections=connections), connections, breaker)


def _raise_meaning(error: RedisError) -> None:
    """Raises nothing for an error that says that the mistake is ours."""
    if isinstance(error, OutOfMemoryError):
        raise StoreFull(retry_after_seconds=RETRY_FULL_SECONDS) from error
    if _NOT_NOW.match(str(error)):
        raise StoreUnavailable(retry_after_seconds=RETRY_UNAVAILABLE_SECONDS) from error
