"""A sharer whose broker has no room left: who asked is told, and what is stored stays."""

import pytest

from latentflow.errors import StoreFull
from latentflow.latent import LatentId
from tests.integration.services.callers import TIMEOUT, Stack
from tests.integration.services.stack import running_stack
from tests.manual_clock import ManualClock
from tests.tiny_pair import TinyPair

MEMO = "The vault code is 4471."
STORE_BYTES = 16 * 1024


async def fill(stack: Stack) -> list[LatentId]:
    """Shares until the store is full; what was stored until then."""
    stored: list[LatentId] = []
    try:
        while True:
            stored.append(await stack.latent(MEMO))
    except StoreFull:
        return stored


async def test_a_full_store_reaches_the_caller_and_loses_nothing(
    pair: TinyPair, clock: ManualClock
) -> None:
    async with running_stack(pair, clock, store_bytes=STORE_BYTES) as stack:
        stored = await fill(stack)
        assert stored
        with pytest.raises(StoreFull) as refusal:
            await stack.latent(MEMO)
        assert refusal.value.retry_after_seconds > 0
        assert (await stack.ask("What is the code?", *stored[:1])).usage.latent_slots > 0
        for latent_id in stored:
            await stack.admin.revoke(latent_id, timeout=TIMEOUT)
        assert await stack.latent(MEMO)
