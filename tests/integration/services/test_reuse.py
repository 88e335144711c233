"""An equal latent is not made twice: the stored one is given, and lives as long as is asked."""

from dataclasses import replace

import pytest

from latentflow.calls import LatentMeans, ShareCall, Shared, ShareTimings, TextMeans
from latentflow.latent import MAX_LIFETIME_SECONDS, FlowName, Label
from tests.integration.services.callers import TIMEOUT, Stack
from tests.manual_clock import ManualClock

CALL = ShareCall(context="The vault code is 4471.", means=LatentMeans(), lifetime_seconds=60)


async def share(stack: Stack, call: ShareCall = CALL) -> Shared:
    events = [event async for event in stack.sharer.share(call, timeout=TIMEOUT)]
    assert isinstance(events[-1], Shared)
    return events[-1]


async def test_an_equal_latent_is_given_again_and_said_to_be(stack: Stack) -> None:
    first, second = await share(stack), await share(stack)
    assert (first.reused, second.reused) == (False, True)
    assert second.latent == first.latent
    assert second.timings == ShareTimings()


@pytest.mark.parametrize(
    "other",
    [
        replace(CALL, context="Another."),
        replace(CALL, means=TextMeans(max_tokens=8)),
        replace(CALL, flow=FlowName("other")),
        replace(CALL, labels=(Label(key="k", value="v"),)),
        replace(CALL, fresh=True),
    ],
    ids=["context", "means", "flow", "labels", "fresh"],
)
async def test_any_difference_makes_another(stack: Stack, other: ShareCall) -> None:
    first, second = await share(stack), await share(stack, other)
    assert not second.reused
    assert second.latent.manifest.latent_id != first.latent.manifest.latent_id


async def test_it_lives_as_long_as_was_asked_last(stack: Stack, clock: ManualClock) -> None:
    first = await share(stack)
    clock.advance(seconds=50)
    second = await share(stack)
    assert second.latent.manifest == first.latent.manifest
    assert second.latent.expires_ms == clock() + 60_000
    clock.advance(seconds=50)
    assert (await stack.ask("Which code?", first.latent.manifest.latent_id)).usage


async def test_what_can_not_live_that_long_is_made_anew(stack: Stack, clock: ManualClock) -> None:
    await share(stack)
    clock.advance(seconds=1)
    second = await share(stack, replace(CALL, lifetime_seconds=MAX_LIFETIME_SECONDS))
    assert not second.reused


async def test_what_is_gone_is_made_anew(stack: Stack, clock: ManualClock) -> None:
    first = await share(stack)
    await stack.admin.revoke(first.latent.manifest.latent_id, timeout=TIMEOUT)
    second = await share(stack)
    clock.advance(seconds=61)
    third = await share(stack)
    assert not second.reused
    assert not third.reused
