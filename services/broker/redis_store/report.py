"""What the Redis servers tell of themselves, and which of their settings break a promise."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from redis.asyncio import RedisCluster
from redis.exceptions import NoPermissionError

from services.broker.record import StoreReport
from services.broker.redis_store.client import Client
from services.broker.redis_store.connection import Lane

_OLDEST = (7, 0)
_SKEW_MS = 1000
_UNASKED = "this user may not call INFO: give it +info, so that settings can be checked"

Info = Mapping[str, Any]


class Memory(NamedTuple):
    """Of one server; no limit is 0."""

    used_bytes: int
    limit_bytes: int


async def store_report(lane: Lane, *, now_ms: int) -> StoreReport:
    """Raises StoreUnavailable."""
    try:
        async with lane.probe() as client:
            infos = await _infos(client)
    except NoPermissionError:
        return StoreReport(servers=(), remarks=(_UNASKED,))
    remarks = dict.fromkeys(remark for info in infos for remark in _remarks(info, now_ms))
    memory = memory_of_fullest(infos)
    return StoreReport(
        servers=tuple(map(_server, infos)),
        remarks=tuple(remarks),
        used_bytes=memory.used_bytes,
        limit_bytes=memory.limit_bytes,
    )


def memory_of_fullest(infos: Iterable[Info]) -> Memory:
    """Of the server that will refuse writes first."""
    return max(map(_memory, infos), key=_fullness)


async def _infos(client: Client) -> list[Info]:
    """Of each server that takes writes."""
    sections = ("server", "memory", "persistence")
    if not isinstance(client, RedisCluster):
        return [await client.info(*sections)]
    await client.initialize()
    return [await client.info(*sections, target_nodes=node) for node in client.get_primaries()]


def _memory(info: Info) -> Memory:
    return Memory(int(info.get("used_memory", 0)), int(info.get("maxmemory", 0)))


def _fullness(memory: Memory) -> tuple[float, int]:
    """Without a limit none is full: of those the one that holds the most."""
    share = memory.used_bytes / memory.limit_bytes if memory.limit_bytes else 0.0
    return share, memory.used_bytes


def _server(info: Info) -> str:
    name = str(info.get("server_name", "redis"))
    return f"{name} {info.get(f'{name}_version', info.get('redis_version', '?'))}"


def _remarks(info: Info, now_ms: int) -> Iterator[str]:
    policy = info.get("maxmemory_policy", "unknown")
    if policy != "noeviction":
        yield f"maxmemory-policy is {policy}: set it to noeviction, or latents vanish"
    if not info.get("maxmemory"):
        yield "maxmemory is not set: set it, or a full machine ends the server, not the upload"
    if not info.get("aof_enabled"):
        yield "appendonly is off: set it to yes, or a restart forgets what was acknowledged"
    version = str(info.get("redis_version", "0.0"))
    if tuple(map(int, version.split(".")[:2])) < _OLDEST:
        yield f"speaks Redis {version}: install Redis 7.0 or newer, or Valkey"
    skew_ms = abs(int(info.get("server_time_usec", now_ms * 1000)) // 1000 - now_ms)
    if skew_ms > _SKEW_MS:
        yield f"its clock is {skew_ms / 1000:.1f} s off the broker's: synchronise both (NTP)"
