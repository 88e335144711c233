"""The broker's other calls speak in domain values, and a broker that is down is named."""

import pytest

from latentflow.errors import (
    BrokerUnavailable,
    StoreUnavailable,
    UnknownLatent,
)
from latentflow.latent import FlowName
from latentflow.relay import (
    AckCall,
    FindCall,
    FlowInfo,
    GroupInfo,
    ListCall,
    RenewCall,
    UseCall,
    WatchCall,
)
from latentflow.rpc.broker_client import BrokerClient
from latentflow.rpc.channel import open_channel
from latentflow.rpc.deadline import RetryPolicy
from tests.integration.rpc.conftest import There
from tests.integration.rpc.fake_broker import FakeBroker
from tests.integration.rpc.latents import sealed
from tests.integration.rpc.probe import served
from tests.integration.rpc.spans import Spans

TIMEOUT = 30.0
MEGABYTE = sealed(kilobytes=1024)
SMALL = sealed(kilobytes=3, frame_bytes=1024)


async def test_flows_and_lists_speak_in_domain_values(there: There) -> None:
    latent_id = there.broker.hold(SMALL.manifest_bytes, SMALL.frames, SMALL.commit)
    flow = FlowName("memos")
    info = await there.client.get_latent(latent_id, timeout=TIMEOUT)
    page = await there.admin.list_latents(ListCall(flow=flow), timeout=TIMEOUT)
    watch = WatchCall(flow=flow, group="g", consumer="c")
    (delivery,) = [each async for each in there.client.watch(watch, timeout=TIMEOUT)]
    ack = AckCall(flow=flow, group="g", delivery_ids=(delivery.delivery_id,))
    assert await there.client.ack(ack, timeout=TIMEOUT) == 1
    assert page.latents == (info,)
    assert delivery.latent == info
    assert info.manifest.latent_id == latent_id


async def test_a_revoked_latent_is_gone(there: There) -> None:
    latent_id = there.broker.hold(SMALL.manifest_bytes, SMALL.frames, SMALL.commit)
    await there.admin.revoke(latent_id, timeout=TIMEOUT)
    with pytest.raises(UnknownLatent):
        await there.client.get_latent(latent_id, timeout=TIMEOUT)


async def test_a_latents_life_speaks_in_domain_values(there: There) -> None:
    latent_id = there.broker.hold(SMALL.manifest_bytes, SMALL.frames, SMALL.commit)
    info = await there.client.get_latent(latent_id, timeout=TIMEOUT)
    content = info.manifest.content_digest
    find = FindCall(flow=info.manifest.flow, content_digest=content)
    assert await there.client.find(find, timeout=TIMEOUT) == info
    elsewhere = FindCall(flow=FlowName("elsewhere"), content_digest=content)
    assert await there.client.find(elsewhere, timeout=TIMEOUT) is None
    renew = RenewCall(latent_id=latent_id, expires_ms=info.expires_ms + 1000)
    renewed = await there.client.renew(renew, timeout=TIMEOUT)
    assert renewed.expires_ms == info.expires_ms + 1000
    use = UseCall(latent_id=latent_id, reader="gemma", generation="g-1")
    for _ in range(2):
        await there.client.record_use(use, timeout=TIMEOUT)
    lineage = await there.admin.get_lineage(latent_id, timeout=TIMEOUT)
    assert lineage.latent == renewed
    assert [(each.reader, each.generation) for each in lineage.receipts] == [("gemma", "g-1")]
    assert await there.admin.revoke(latent_id, timeout=TIMEOUT) == lineage.receipts


async def test_a_broker_tells_of_its_flows_and_of_itself(there: There) -> None:
    group = GroupInfo(name="g", lag=2, pending=1, consumers=3)
    there.broker.flows = [FlowInfo(name=FlowName("memos"), announced=4, groups=(group,))]
    assert list(await there.admin.list_flows(timeout=TIMEOUT)) == there.broker.flows
    assert await there.admin.inspect(timeout=TIMEOUT) == there.broker.inspection


async def test_an_idempotent_call_is_tried_again_by_the_channel(there: There) -> None:
    latent_id = there.broker.hold(SMALL.manifest_bytes, SMALL.frames, SMALL.commit)
    there.broker.failures = [StoreUnavailable(retry_after_seconds=0.1)]
    assert (await there.client.get_latent(latent_id, timeout=TIMEOUT)).commit == SMALL.commit


async def test_the_publishers_trace_goes_on_in_the_broker() -> None:
    with Spans() as spans:
        async with served(FakeBroker().registration(), telemetry=spans.telemetry) as serving:
            client = BrokerClient(serving.channel)
            with spans.tracer.start_as_current_span("publisher"):
                await client.publish(SMALL.manifest_bytes, SMALL.frames, timeout=TIMEOUT)
        publisher = spans.named("publisher")
        publish = spans.named("latentflow.v1.BrokerService/Publish")
    assert publish.parent is not None
    assert publisher.context is not None
    assert publish.parent.span_id == publisher.context.span_id


async def test_a_broker_that_is_down_is_said_to_be() -> None:
    # Port 1 (tcpmux) is closed.
    async with open_channel("127.0.0.1:1") as channel:
        client = BrokerClient(channel, retry=RetryPolicy(attempts=2, first_seconds=0.01))
        with pytest.raises(BrokerUnavailable):
            await client.get_latent(SMALL.latent_id, timeout=TIMEOUT)
        with pytest.raises(BrokerUnavailable):
            await client.fetch(SMALL.latent_id, timeout=TIMEOUT)
        with pytest.raises(BrokerUnavailable):
            await client.publish(SMALL.manifest_bytes, SMALL.frames, timeout=TIMEOUT)
