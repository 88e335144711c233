"""Responses of work that tells: all in order, its error, and its end when nobody listens."""

import asyncio
from contextlib import aclosing

import pytest

from latentflow.errors import LatentRevoked
from latentflow.rpc.told import Tell, responses_of


async def test_what_is_told_comes_converted_and_in_order() -> None:
    async def work(tell: Tell[int]) -> None:
        for event in range(3):
            tell(event)
            await asyncio.sleep(0)

    assert [response async for response in responses_of(work, str)] == ["0", "1", "2"]


async def test_an_error_comes_after_what_was_told_before_it() -> None:
    async def work(tell: Tell[int]) -> None:
        tell(1)
        raise LatentRevoked(latent_id="gone")

    responses = responses_of(work, str)
    assert await anext(responses) == "1"
    with pytest.raises(LatentRevoked):
        await anext(responses)


async def test_leaving_early_cancels_the_work_and_waits_for_its_end() -> None:
    ended = list[str]()

    async def work(tell: Tell[int]) -> None:
        tell(1)
        try:
            await asyncio.Future[None]()
        finally:
            await asyncio.sleep(0)
            ended.append("work")

    async with aclosing(responses_of(work, str)) as responses:
        assert await anext(responses) == "1"
    assert ended == ["work"]
