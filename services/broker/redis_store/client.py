"""A client of redis-py for each form of store: one server, a Cluster, what Sentinels watch."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from redis.asyncio import Redis, RedisCluster, Sentinel
from redis.asyncio.cluster import ClusterNode
from redis.asyncio.connection import SSLConnection, parse_url
from redis.asyncio.retry import Retry
from redis.backoff import ExponentialWithJitterBackoff

from latentflow.errors import InvalidInput
from services.broker.store_url import StoreForm, StoreUrl

Client = Redis | RedisCluster


CONNECT_SECONDS = 2.0
# How often a command that found no server is tried again, within its turn's timeout. Every one is
# safe to repeat.
RETRIES = 2
_BACKOFF = ExponentialWithJitterBackoff(base=0.02, cap=0.5)


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """`client` asks the servers, `sentinels` are asked where they are."""

    client: Client
    sentinels: Sequence[Redis] = ()

    async def close(self) -> None:
        for each in (self.client, *self.sentinels):
            await each.aclose()


def open_client(url: StoreUrl, *, connections: int) -> Opened:
    """Connects to nothing yet. At most `connections` to each server.

    Raises InvalidInput when redis-py knows an option of the URL by no such value.
    """
    # No socket timeout of redis-py's: before Python 3.12 it can swallow a cancellation, and it cuts
    # off reads that wait for news. What bounds a command is the timeout of its lane.
    options: dict[str, Any] = {
        "max_connections": connections,
        "socket_timeout": None,
        "socket_connect_timeout": CONNECT_SECONDS,
        "retry": Retry(_BACKOFF, RETRIES),
        "protocol": 2,
    }
    server = _server_options(url)
    match url.form:
        case StoreForm.CLUSTER:
            return Opened(client=_cluster(url, {**server, **options}))
        case StoreForm.SENTINEL:
            return _behind_sentinels(url, {**server, **options})
        case _:
            return Opened(client=Redis.from_url(url.server_url, **options))


def _server_options(url: StoreUrl) -> dict[str, Any]:
    try:
        options: dict[str, Any] = dict(parse_url(url.server_url))
    except ValueError as error:
        raise InvalidInput(field="store_url", problem=str(error)) from error
    has_tls = options.pop("connection_class", None) is SSLConnection
    return {**options, "ssl": True} if has_tls else options


def _cluster(url: StoreUrl, options: dict[str, Any]) -> RedisCluster:
    for place in ("host", "port", "db"):
        options.pop(place, None)
    nodes = [ClusterNode(node.host, node.port) for node in url.nodes]
    return RedisCluster(startup_nodes=nodes, **options)


def _behind_sentinels(url: StoreUrl, options: dict[str, Any]) -> Opened:
    for place in ("host", "port"):
        options.pop(place, None)
    tls = {name: value for name, value in options.items() if name.startswith("ssl")}
    asking = {"socket_timeout": CONNECT_SECONDS, "socket_connect_timeout": CONNECT_SECONDS, **tls}
    nodes = [(node.host, node.port) for node in url.nodes]
    sentinel = Sentinel(nodes, sentinel_kwargs=asking)  # type: ignore[no-untyped-call]
    return Opened(client=sentinel.master_for(url.primary, **options), sentinels=sentinel.sentinels)
