"""One handoff as its spans tell it: every stage under its call, the answer linked to the latent."""

import asyncio

import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import StatusCode

from latentflow.calls import (
    GenerateCall,
    LatentInput,
    OpenSessionCall,
    Prompt,
    Sampling,
    TextMeans,
)
from latentflow.errors import ContextTooLong, IdentityMismatch
from latentflow.latent import Digest, LatentId
from latentflow.rpc import conventions
from tests.integration.rpc.spans import Spans, attributes
from tests.integration.services.callers import TIMEOUT, Stack, inputs
from tests.integration.services.forged import manifest_for, publish
from tests.integration.services.stack import running_stack
from tests.manual_clock import ManualClock
from tests.tiny_pair import POSITIONS, TinyPair

SHARE = "latentflow.v1.SharerService/Share"
GENERATE = "latentflow.v1.ReceiverService/Generate"
OPEN_SESSION = "latentflow.v1.ReceiverService/OpenSession"
SECRET = "XYZZY-4471"
ELSEWHERE = 0xB7AD6B7169203331


def stages_of(spans: Spans, call: str) -> dict[str, ReadableSpan]:
    """Its child spans by name, in the order of their beginning."""
    parent = spans.named(call).context
    children = [
        span
        for span in spans.all()
        if span.parent is not None and span.parent.span_id == parent.span_id
    ]
    return {span.name: span for span in sorted(children, key=lambda span: span.start_time or 0)}


def creations(spans: Spans, call: str) -> set[int]:
    """Which spans a call is linked to."""
    return {link.context.span_id for link in spans.named(call).links}


async def unfit(stack: Stack, pair: TinyPair, clock: ManualClock) -> LatentId:
    """Of an adapter that the receiver has not, published by the span ELSEWHERE."""
    traceparent = f"00-{1:032x}-{ELSEWHERE:016x}-01"
    adapter = Digest("0" * 64)
    return await publish(stack, manifest_for(pair, clock, adapter=adapter, traceparent=traceparent))


async def test_a_share_has_its_stages(pair: TinyPair, clock: ManualClock) -> None:
    with Spans() as spans:
        async with running_stack(pair, clock, telemetry=spans.telemetry) as stack:
            await stack.share(SECRET)
        stages = stages_of(spans, SHARE)
    assert list(stages) == ["prefill", "summarise", "publish"]
    assert attributes(stages["prefill"])[conventions.GEN_AI_INPUT_TOKENS] > 1


async def test_a_latent_is_a_message_that_is_sent_and_received(
    pair: TinyPair, clock: ManualClock
) -> None:
    with Spans() as spans:
        async with running_stack(pair, clock, telemetry=spans.telemetry) as stack:
            latent = (await stack.share(SECRET)).latent
            heard = await stack.ask("Who?", latent.manifest.latent_id)
        sent = attributes(stages_of(spans, SHARE)["publish"])
        received = attributes(stages_of(spans, GENERATE)["fetch"])
    assert sent == {
        "messaging.system": "latentflow",
        "messaging.operation.name": "publish",
        "messaging.operation.type": "send",
        "messaging.message.id": latent.manifest.latent_id,
        "messaging.destination.name": latent.manifest.flow,
        "messaging.message.body.size": heard.outcomes[0].wire_bytes,
        "latentflow.method": latent.manifest.method.value,
        "latentflow.latent.frames": latent.frames,
    }
    assert received == {
        "messaging.system": "latentflow",
        "messaging.operation.name": "fetch",
        "messaging.operation.type": "receive",
        "messaging.batch.message_count": 1,
    }


async def test_an_answer_has_its_stages_and_a_link_to_the_publishing(
    pair: TinyPair, clock: ManualClock
) -> None:
    with Spans() as spans:
        async with running_stack(pair, clock, telemetry=spans.telemetry) as stack:
            shared = await stack.share(SECRET)
            heard = await stack.ask("Who?", shared.latent.manifest.latent_id)
        stages = stages_of(spans, GENERATE)
        (link,) = spans.named(GENERATE).links
    assert list(stages) == ["fetch", "inject", "prefill", "decode"]
    assert link.context.span_id == stages_of(spans, SHARE)["publish"].context.span_id
    usage = heard.usage
    assert attributes(stages["inject"])[conventions.LATENT_SLOTS] == usage.latent_slots
    written = attributes(stages["decode"])[conventions.GEN_AI_OUTPUT_TOKENS]
    assert written == usage.completion_tokens


async def test_a_latent_that_is_refused_is_linked_all_the_same(
    pair: TinyPair, clock: ManualClock
) -> None:
    with Spans() as spans:
        async with running_stack(pair, clock, telemetry=spans.telemetry) as stack:
            with pytest.raises(IdentityMismatch):
                await stack.ask("Who?", await unfit(stack, pair, clock))
        assert creations(spans, GENERATE) == {ELSEWHERE}


async def test_a_fallback_is_linked_beside_the_latent_that_it_stands_for(
    pair: TinyPair, clock: ManualClock
) -> None:
    with Spans() as spans:
        async with running_stack(pair, clock, telemetry=spans.telemetry) as stack:
            written = await stack.latent(SECRET, TextMeans(max_tokens=8))
            latent_id = await unfit(stack, pair, clock)
            await stack.ask("Who?", LatentInput(latent_id=latent_id, fallback=written))
        publishing = stages_of(spans, SHARE)["publish"].context.span_id
        assert creations(spans, GENERATE) == {ELSEWHERE, publishing}


async def test_questions_to_a_session_are_linked_to_the_latents_in_it(
    pair: TinyPair, clock: ManualClock
) -> None:
    with Spans() as spans:
        async with running_stack(pair, clock, telemetry=spans.telemetry) as stack:
            call = OpenSessionCall(inputs=inputs(await stack.latent(SECRET)))
            session = await stack.receiver.open_session(call, timeout=TIMEOUT)
            await stack.ask_session("Who?", session.session_id)
        publishing = stages_of(spans, SHARE)["publish"].context.span_id
        assert creations(spans, OPEN_SESSION) == {publishing}
        assert creations(spans, GENERATE) == {publishing}


async def test_a_session_has_fetch_and_inject(pair: TinyPair, clock: ManualClock) -> None:
    with Spans() as spans:
        async with running_stack(pair, clock, telemetry=spans.telemetry) as stack:
            call = OpenSessionCall(inputs=inputs(await stack.latent(SECRET)))
            await stack.receiver.open_session(call, timeout=TIMEOUT)
    assert list(stages_of(spans, OPEN_SESSION)) == ["fetch", "inject"]


async def test_an_answer_that_is_cancelled_has_the_stages_that_had_begun(
    pair: TinyPair, clock: ManualClock
) -> None:
    with Spans() as spans:
        async with running_stack(pair, clock, telemetry=spans.telemetry) as stack:
            sampling = Sampling(max_tokens=1024, temperature=5.0)
            call = GenerateCall(prompt=Prompt(question="Who?"), sampling=sampling)
            events = stack.receiver.generate(call, timeout=TIMEOUT)
            await anext(events)
            await events.aclose()
        stages = stages_of(spans, GENERATE)
    assert list(stages) == ["inject", "prefill", "decode"]
    assert {span.status.status_code for span in stages.values()} == {StatusCode.UNSET}
    assert 1 <= attributes(stages["decode"])[conventions.GEN_AI_OUTPUT_TOKENS] < 1024


async def test_an_answer_that_fails_has_the_stage_it_failed_in(
    pair: TinyPair, clock: ManualClock
) -> None:
    with Spans() as spans:
        async with running_stack(pair, clock, telemetry=spans.telemetry) as stack:
            with pytest.raises(ContextTooLong):
                await stack.ask("x" * POSITIONS)
        stages = stages_of(spans, GENERATE)
    assert {name: span.status.status_code for name, span in stages.items()} == {
        "inject": StatusCode.ERROR
    }


async def test_a_question_that_leaves_the_queue_has_no_stage(
    pair: TinyPair, clock: ManualClock
) -> None:
    with Spans() as spans:
        async with (
            running_stack(pair, clock, telemetry=spans.telemetry) as stack,
            stack.receiver_worker.turn(),
        ):
            asking = asyncio.create_task(stack.ask("Who?"))
            await stack.until(lambda: stack.receiver_worker.admitted == 1)
            asking.cancel()
            await stack.until(lambda: stack.receiver_worker.admitted == 0)
        assert stages_of(spans, GENERATE) == {}


async def test_nothing_of_the_content_is_in_spans_or_logs(
    pair: TinyPair, clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    with Spans() as spans:
        async with running_stack(pair, clock, telemetry=spans.telemetry) as stack:
            latent_id = await stack.latent(SECRET)
            written = await stack.latent(SECRET, TextMeans(max_tokens=8))
            heard = await stack.ask(f"What is {SECRET}?", latent_id, written, context=SECRET)
        told = " ".join(span.to_json() for span in spans.all()) + caplog.text
    assert SECRET not in told
    assert heard.text
    assert heard.text not in told
