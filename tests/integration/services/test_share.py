"""What a sharer tells while it shares, what it publishes, and what it refuses by name."""

from dataclasses import replace

import pytest

from latentflow.calls import (
    LatentMeans,
    Prefilled,
    Published,
    Queued,
    ShareCall,
    Shared,
    ShareEvent,
    TextMeans,
)
from latentflow.errors import (
    ContextTooLong,
    EmptyInput,
    InvalidInput,
    LatentFlowError,
    UnknownAdapter,
)
from latentflow.latent import FlowName, Label, LatentState, Method, PositionPolicy
from latentflow.relay import ListCall
from tests.integration.services.callers import TIMEOUT, Stack
from tests.manual_clock import ManualClock
from tests.tiny_pair import ADAPTER, POSITIONS, TinyPair

MEMO = "The vault code is 4471. " * 20
CALL = ShareCall(context=MEMO, means=LatentMeans())


async def shared(stack: Stack, call: ShareCall) -> list[ShareEvent]:
    return [event async for event in stack.sharer.share(call, timeout=TIMEOUT)]


@pytest.mark.parametrize("means", [LatentMeans(), TextMeans(max_tokens=8)], ids=str)
async def test_it_tells_how_far_it_is_from_the_queue_to_the_commit(
    stack: Stack, means: LatentMeans | TextMeans
) -> None:
    events = await shared(stack, replace(CALL, means=means))
    kinds = [type(event) for event in events]
    assert kinds == sorted(kinds, key=[Queued, Prefilled, Published, Shared].index)
    assert set(kinds) == {Queued, Prefilled, Published, Shared}
    assert events[0] == Queued(ahead=0)
    prefilled = [event for event in events if isinstance(event, Prefilled)]
    assert len(prefilled) > 1
    assert prefilled[-1].tokens == prefilled[-1].of_tokens
    last = events[-1]
    assert isinstance(last, Shared)
    assert events[-2] == Published(acknowledged_frames=last.latent.frames)


async def test_the_latent_is_committed_with_the_identity_of_both_models(
    stack: Stack, pair: TinyPair, clock: ManualClock
) -> None:
    call = replace(
        CALL,
        flow=FlowName("memos"),
        lifetime_seconds=60,
        labels=(Label(key="k", value="v"),),
    )
    last = (await shared(stack, call))[-1]
    assert isinstance(last, Shared)
    manifest = last.latent.manifest
    assert last.latent.state is LatentState.COMMITTED
    assert (manifest.sharer, manifest.receiver) == (pair.sharer.identity, pair.receiver.identity)
    assert (manifest.adapter, manifest.method) == (pair.digest, Method.LCF_PREFIX)
    assert manifest.position is PositionPolicy.PREFIX
    assert (manifest.created_ms, manifest.expires_ms) == (clock(), clock() + 60_000)
    assert (manifest.flow, manifest.labels) == (call.flow, call.labels)
    stored = await stack.broker_client.get_latent(manifest.latent_id, timeout=TIMEOUT)
    assert stored == last.latent


async def test_equal_contexts_can_be_recognised_and_others_not(stack: Stack) -> None:
    one, same, other = [
        (await stack.share(context)).latent.manifest for context in ("memo", "memo", "other")
    ]
    assert one.content_digest == same.content_digest != other.content_digest
    assert one.latent_id != same.latent_id


async def test_every_stage_takes_its_time(stack: Stack) -> None:
    timings = (await stack.share(MEMO)).timings
    assert timings.queue_seconds >= 0
    assert min(timings.prefill_seconds, timings.summarise_seconds, timings.publish_seconds) > 0


async def test_the_only_adapter_may_be_named(stack: Stack, pair: TinyPair) -> None:
    named = await stack.share(MEMO, LatentMeans(adapter=ADAPTER))
    assert named.latent.manifest.adapter == pair.digest


async def test_a_message_may_follow_the_receivers_need(stack: Stack) -> None:
    call = ShareCall(context=MEMO, means=TextMeans(max_tokens=8), need="What is the code?")
    last = (await shared(stack, call))[-1]
    assert isinstance(last, Shared)
    assert (last.latent.manifest.method, last.latent.manifest.adapter) == (Method.TEXT, None)


async def test_it_describes_itself(stack: Stack, pair: TinyPair) -> None:
    description = await stack.sharer.describe(timeout=TIMEOUT)
    assert (description.model, description.max_tokens) == (pair.sharer.identity, POSITIONS)
    assert [adapter.digest for adapter in description.adapters] == [pair.digest]


@pytest.mark.parametrize(
    ("call", "refusal", "field"),
    [
        (replace(CALL, means=LatentMeans(adapter="nobody")), UnknownAdapter, None),
        (replace(CALL, need="What is the code?"), InvalidInput, "need"),
        (replace(CALL, context="x" * POSITIONS), ContextTooLong, "context"),
        (
            ShareCall(context="x" * POSITIONS, means=TextMeans(max_tokens=8)),
            ContextTooLong,
            "context",
        ),
    ],
    ids=["adapter", "need", "context-for-latent", "context-for-text"],
)
async def test_what_can_never_work_is_refused_by_name_and_nothing_is_published(
    stack: Stack, call: ShareCall, refusal: type[LatentFlowError], field: str | None
) -> None:
    with pytest.raises(refusal) as raised:
        await shared(stack, call)
    assert getattr(raised.value, "field", None) == field
    assert (await stack.admin.list_latents(ListCall(), timeout=TIMEOUT)).latents == ()
    assert await stack.latent(MEMO)


async def test_an_empty_context_is_refused_by_the_server_too(stack: Stack) -> None:
    call = ShareCall(context="x", means=LatentMeans())
    object.__setattr__(call, "context", " ")
    with pytest.raises(EmptyInput) as raised:
        await shared(stack, call)
    assert raised.value.field == "context"
