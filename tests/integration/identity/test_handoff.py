"""A whole handoff where everyone proves itself: callers by token, sharer and receiver to the broker
by certificate, for the tenant of their caller.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

import services.receiver.__main__ as receiver_process
import services.sharer.__main__ as sharer_process
from latentflow.calls import GenerateCall, LatentInput, LatentInputs, Prompt, TextMeans
from latentflow.client import Addresses, connect
from latentflow.errors import AccessDenied, ServiceUnavailable, UnknownLatent
from latentflow.relay import ListCall
from latentflow.rpc import metric_names
from latentflow.rpc.telemetry import SILENT
from services.receiver.settings import Settings as ReceiverSettings
from services.sharer.settings import Settings as SharerSettings
from tests.certificates import Certificates
from tests.integration.identity.secured import TIMEOUT, Secured
from tests.integration.identity.tenants import TenantsFile
from tests.manual_clock import ManualClock
from tests.readings import Readings
from tests.tiny_pair import TinyPair, write_tiny_pair

MEMO = "The lamp is green."


@pytest.fixture(scope="session")
def pair(tmp_path_factory: pytest.TempPathFactory) -> TinyPair:
    return write_tiny_pair(tmp_path_factory.mktemp("pair"))


@pytest.fixture
def readings() -> Iterator[Readings]:
    """Of the receiver."""
    readings = Readings()
    yield readings
    readings.telemetry.shutdown()


@pytest.fixture
async def addresses(
    broker: Secured,
    certificates: Certificates,
    tenants: TenantsFile,
    pair: TinyPair,
    clock: ManualClock,
    readings: Readings,
) -> AsyncIterator[Addresses]:
    """Of a sharer and a receiver of the broker."""
    own: dict[str, Any] = {
        "port": 0,
        "adapters": pair.adapters,
        "broker": f"127.0.0.1:{broker.servers.public.services_port}",
        "tenants": tenants.path,
        "grace_seconds": 0.2,
    }
    sharing = SharerSettings(model=pair.sharer_folder, **own, **certificates.settings("sharer"))
    receiving = ReceiverSettings(
        model=pair.receiver_folder, shadow_share=1.0, **own, **certificates.settings("receiver")
    )
    stop = asyncio.Event()
    async with (
        sharer_process.running(sharing, stop, clock_ms=clock, telemetry=SILENT) as sharer,
        receiver_process.running(receiving, stop, telemetry=readings.telemetry) as receiver,
    ):
        yield Addresses(
            sharer=f"127.0.0.1:{sharer.server.port}", receiver=f"127.0.0.1:{receiver.server.port}"
        )


async def test_a_latent_is_its_tenants_all_the_way(
    broker: Secured, addresses: Addresses, acme: str
) -> None:
    stranger = broker.tenants.put("stranger")
    async with connect(addresses, broker.access(acme)) as flow:
        shared = await flow.share(MEMO, timeout=TIMEOUT)
        latent_id = shared.latent.manifest.latent_id
        answer = await flow.ask("Which lamp?", [latent_id], timeout=TIMEOUT)
        assert [outcome.outcome for outcome in answer.outcomes] == ["latent"]
        assert (await flow.share(MEMO, timeout=TIMEOUT)).reused
    async with connect(addresses, broker.access(stranger)) as flow:
        with pytest.raises(UnknownLatent):
            await flow.ask("Which lamp?", [latent_id], timeout=TIMEOUT)
        other = await flow.share(MEMO, timeout=TIMEOUT)
        assert not other.reused
    content = other.latent.manifest.content_digest
    assert content != shared.latent.manifest.content_digest
    async with broker.admin(broker.access(acme)) as admin:
        listed = await admin.list_latents(ListCall(), timeout=TIMEOUT)
        assert [info.manifest.latent_id for info in listed.latents] == [latent_id]
        lineage = await admin.get_lineage(latent_id, timeout=TIMEOUT)
        assert len(lineage.receipts) == 1


async def test_each_right_opens_its_own_service_only(broker: Secured, addresses: Addresses) -> None:
    writer = broker.tenants.put("writer", rights=("share",))
    reader = broker.tenants.put("reader", rights=("ask",))
    async with connect(addresses, broker.access(writer)) as flow:
        await flow.share(MEMO, timeout=TIMEOUT)
        with pytest.raises(AccessDenied):
            await flow.ask("Which lamp?", timeout=TIMEOUT)
    async with connect(addresses, broker.access(reader)) as flow:
        await flow.ask("Which lamp?", timeout=TIMEOUT)
        with pytest.raises(AccessDenied):
            await flow.share(MEMO, timeout=TIMEOUT)


async def test_without_token_or_tls_nobody_is_served(broker: Secured, addresses: Addresses) -> None:
    async with connect(addresses, broker.access()) as flow:
        with pytest.raises(AccessDenied):
            await flow.share(MEMO, timeout=TIMEOUT)
        with pytest.raises(AccessDenied):
            await flow.ask("Which lamp?", timeout=TIMEOUT)
    async with connect(addresses) as flow:
        with pytest.raises(ServiceUnavailable):
            await flow.share(MEMO, timeout=TIMEOUT)


async def test_an_answer_is_compared_for_its_tenant(
    broker: Secured, addresses: Addresses, acme: str, readings: Readings
) -> None:
    async with connect(addresses, broker.access(acme)) as flow:
        latent = await flow.share(MEMO, timeout=TIMEOUT)
        text = await flow.share(MEMO, means=TextMeans(max_tokens=8), timeout=TIMEOUT)
        given = LatentInput(
            latent_id=latent.latent.manifest.latent_id, fallback=text.latent.manifest.latent_id
        )
        prompt = Prompt(question="Which lamp?")
        call = GenerateCall(prompt=prompt, source=LatentInputs(latents=(given,)))
        await flow.answer(call, timeout=TIMEOUT)
        async with asyncio.timeout(TIMEOUT):
            while not readings.count(metric_names.AGREEMENT):
                assert not readings.value(metric_names.SHADOW_FAILURES)
                await flow.ask("Which lamp?", timeout=TIMEOUT)
