"""The scripts under services/broker/scripts, as functions."""

from collections.abc import Sequence
from hashlib import sha1
from importlib.resources import files
from typing import Any, Protocol

from redis.exceptions import NoScriptError
from redis.typing import EncodableT

from services.broker.redis_store.connection import Lane


class Script(Protocol):
    async def __call__(self, *, keys: Sequence[str], args: Sequence[EncodableT] = ()) -> Any: ...


def script(lane: Lane, verb: str) -> Script:
    """Runs by its digest, and is sent where it is new.

    Not redis-py's, which loads it in a step of its own: a server started anew between the two has
    it no more, and a source that changed on its way would run from then on.
    """
    text = files("services.broker").joinpath("scripts", f"{verb}.lua").read_text()
    digest = sha1(text.encode(), usedforsecurity=False).hexdigest()

    async def run(*, keys: Sequence[str], args: Sequence[EncodableT] = ()) -> Any:
        try:
            return await lane.ask("EVALSHA", digest, len(keys), *keys, *args)
        except NoScriptError:
            return await lane.ask("EVAL", text, len(keys), *keys, *args)

    return run
