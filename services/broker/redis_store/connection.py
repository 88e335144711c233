"""Turns at the Redis servers, and their failures as the broker's own errors."""

import asyncio
import itertools
import re
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import Any

from redis.asyncio import RedisCluster
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
from redis.typing import EncodableT

from latentflow.errors import StoreFull, StoreUnavailable
from services.broker.redis_store.breaker import Breaker
from services.broker.redis_store.client import Client, Opened, open_client
from services.broker.redis_store.together import Command, Together
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
        self._together = Together(self._send)
        self._trips = itertools.count()

    async def ask(self, *command: EncodableT) -> Any:
        """The reply to one command, in a round trip with others that are asked at the same moment.

        Raises as `turn`. Of a Cluster each has its own: a primary that is gone fails no other's.
        """
        with _translated():
            if isinstance(self.client, RedisCluster):
                async with self.turn() as redis:
                    return await redis.execute_command(*command)
            return await self._together.ask(command)

    @asynccontextmanager
    async def turn(self, *, wait_ms: int = 0) -> AsyncIterator[Client]:
        """The client, for one command or a few, of which the server may wait `wait_ms` for news.

        Raises StoreFull or StoreUnavailable for what goes wrong. A group that vanishes under its
        reader (its flow was forgotten) counts as unavailable: watching anew makes it again. So does
        a command or a reply that did not arrive as it was sent.
        """
        async with self._turns:
            with _translated(), self._counted():
                async with asyncio.timeout(wait_ms / 1000 + COMMAND_SECONDS):
                    yield self.client

    @asynccontextmanager
    async def probe(self) -> AsyncIterator[Client]:
        """Likewise, in any case: past the breaker, and what is found does not count."""
        async with self._turns:
            with _translated():
                async with asyncio.timeout(COMMAND_SECONDS):
                    yield self.client

    async def _send(self, commands: Sequence[Command]) -> Sequence[Any]:
        """With an echo behind them: bytes that changed on their way may have made one reply more or
        less, and who asked must not hear what another did.
        """
        mark = str(next(self._trips)).encode()
        async with self.turn() as redis:
            pipeline = redis.pipeline(transaction=False)
            for command in (*commands, ("ECHO", mark)):
                pipeline.execute_command(*command)
            *replies, echo = await pipeline.execute(raise_on_error=False)
            if not isinstance(echo, Exception) and echo != mark:
                raise InvalidResponse
            if all(isinstance(reply, _GONE) for reply in replies):
                raise replies[0]
        return replies

    @contextmanager
    def _counted(self) -> Iterator[None]:
        self._breaker.admit()
        try:
            yield
        except (*_GONE, *_UNREADABLE):
            self._breaker.failed()
            raise
        except RedisError:
            self._breaker.succeeded()
            raise
        else:
            self._breaker.succeeded()


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


@contextmanager
def _translated() -> Iterator[None]:
    """An error that says that the mistake is ours stays as it is."""
    try:
        yield
    except (*_GONE, *_UNREADABLE) as error:
        raise StoreUnavailable(retry_after_seconds=RETRY_UNAVAILABLE_SECONDS) from error
    except OutOfMemoryError as error:
        raise StoreFull(retry_after_seconds=RETRY_FULL_SECONDS) from error
    except RedisError as error:
        if _NOT_NOW.match(str(error)):
            raise StoreUnavailable(retry_after_seconds=RETRY_UNAVAILABLE_SECONDS) from error
        raise
