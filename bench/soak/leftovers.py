"""What a soak leaves in the store: the keys of each kind, their bytes, and until when they stay."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import NamedTuple

import redis

from services.broker.lifecycle import LONGEST_KEPT_MS, READING_MS, TOMBSTONE_MS

_AT_ONCE = 1000
# Whatever `keys.py` has no shorter life for.
_OTHERS_MS = LONGEST_KEPT_MS


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """Keys with the same last part. `longest_ms` is how long the last of them stays from now."""

    name: str
    keys: int
    mb: float
    unending: int
    longest_ms: int


class _Key(NamedTuple):
    name: bytes
    size: int
    remaining_ms: int


def leftovers(store: redis.Redis) -> Mapping[str, Kind]:
    """Looks at every key there is."""
    found: defaultdict[str, list[_Key]] = defaultdict(list)
    for key in _keys(store):
        found[key.name.decode().rpartition(":")[2]].append(key)
    return {name: _kind(name, keys) for name, keys in sorted(found.items())}


def outstaying(kinds: Mapping[str, Kind], *, longest_life_ms: int) -> Iterator[str]:
    """A sentence for each kind of which some key would stay longer than the schema says."""
    limits = {
        "record": longest_life_ms + TOMBSTONE_MS,
        "receipts": longest_life_ms + TOMBSTONE_MS,
        "frames": longest_life_ms + READING_MS,
        "made": longest_life_ms,
    }
    for kind in kinds.values():
        if kind.unending:
            yield f"{kind.unending} keys :{kind.name} never go"
        if kind.longest_ms > limits.get(kind.name, _OTHERS_MS):
            yield f"a key :{kind.name} stays for another {kind.longest_ms / 1000:.0f} s"


def _kind(name: str, keys: Sequence[_Key]) -> Kind:
    return Kind(
        name=name,
        keys=len(keys),
        mb=sum(key.size for key in keys) / 1e6,
        unending=sum(key.remaining_ms == -1 for key in keys),
        longest_ms=max(key.remaining_ms for key in keys),
    )


def _keys(store: redis.Redis) -> Iterator[_Key]:
    """But those that went while they were looked at."""
    names = store.scan_iter(count=_AT_ONCE)
    while some := list(islice(names, _AT_ONCE)):
        with store.pipeline(transaction=False) as pipeline:
            for name in some:
                pipeline.memory_usage(name, samples=0)
                pipeline.pttl(name)
            answers = iter(pipeline.execute())
        for name, size, remaining_ms in zip(some, answers, answers, strict=True):
            if size is not None:
                yield _Key(name, int(size), int(remaining_ms))
