"""Certificates, tokens and tenants that change while calls go on: none is lost."""

import asyncio
import gc
import shutil
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from latentflow.errors import AccessDenied, InvalidInput, QuotaExceeded, UnknownLatent
from latentflow.latent import Frame
from latentflow.rpc.access import Access
from latentflow.rpc.broker_client import BrokerClient
from latentflow.tenants import new_token
from tests.certificates import Certificates
from tests.integration.identity.secured import TIMEOUT, Secured, secured_broker
from tests.integration.identity.tenants import TenantsFile
from tests.integration.identity.traffic import Traffic, of_nothing, replace_by
from tests.integration.rpc.cable import cable_to
from tests.made_latents import MadeLatent, make_latent
from tests.manual_clock import ManualClock

ROTATIONS = 3


@pytest.fixture
def certificates(tmp_path: Path) -> Certificates:
    """Of this test alone."""
    return Certificates(tmp_path / "certs")


async def shown(port: int) -> bytes:
    """The certificate that a new connection is shown, DER."""

    def look() -> bytes:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        context.set_alpn_protocols(["h2"])
        with (
            socket.create_connection(("127.0.0.1", port), TIMEOUT) as plain,
            context.wrap_socket(plain) as connection,
        ):
            return connection.getpeercert(binary_form=True) or b""

    return await asyncio.to_thread(look)


def issued(certificates: Certificates) -> bytes:
    return ssl.PEM_cert_to_DER_cert((certificates.folder / "broker.pem").read_text())


async def test_a_new_certificate_is_shown_to_new_connections_and_calls_under_way_go_on(
    broker: Secured, acme: str, clock: ManualClock
) -> None:
    async with broker.caller(broker.access(acme)) as caller, half_published(caller, clock):
        before = await shown(broker.servers.public.port)
        broker.certificates.renew()
        for port in (broker.servers.public.port, broker.servers.admin.port):
            assert before != await shown(port) == issued(broker.certificates)


async def test_a_call_under_way_goes_on_while_its_client_connects_anew(
    broker: Secured, acme: str, clock: ManualClock
) -> None:
    ca = broker.certificates.ca
    async with broker.caller(broker.access(acme)) as caller, half_published(caller, clock):
        for _ in range(ROTATIONS):
            replace_by(ca, ca.read_bytes())
            with pytest.raises(UnknownLatent):
                await caller.get_latent(make_latent(1).latent_id, timeout=TIMEOUT)
            gc.collect()


async def test_a_call_that_waits_for_its_connection_outlives_a_newer_one(
    broker: Secured, acme: str
) -> None:
    ca = broker.certificates.ca
    async with broker.caller(broker.access(acme)) as caller:

        async def call() -> None:
            await caller.get_latent(make_latent(1).latent_id, timeout=TIMEOUT)

        waiting: list[asyncio.Future[None]] = []
        for _ in range(ROTATIONS):
            waiting.append(asyncio.ensure_future(of_nothing(call)()))
            await asyncio.sleep(0)
            replace_by(ca, ca.read_bytes())
            gc.collect()
        await asyncio.gather(*waiting)


@asynccontextmanager
async def half_published(caller: BrokerClient, clock: ManualClock) -> AsyncIterator[None]:
    """During the block a publish is under way, which ends well after it."""
    made = make_latent(clock(), stream_bytes=400_000, frame_bytes=50_000)
    halfway, goes_on = asyncio.Event(), asyncio.Event()

    async def frames() -> AsyncIterator[Frame]:
        for frame in made.frames:
            if frame.index == 2:
                halfway.set()
                await goes_on.wait()
            yield frame

    publishing = asyncio.create_task(caller.publish(made.manifest_bytes, frames(), timeout=TIMEOUT))
    await halfway.wait()
    yield
    goes_on.set()
    assert (await publishing).commit == made.commit


async def test_rotating_certificates_under_running_calls_loses_none(
    broker: Secured, acme: str
) -> None:
    """On connections that stay and on new ones, of a service and of a caller."""

    async def on_a_new_one() -> None:
        async with broker.caller(broker.access(acme)) as other:
            await other.get_latent(make_latent(1).latent_id, timeout=TIMEOUT)

    async with (
        broker.service(broker.certificates.credentials("receiver")) as receiver,
        broker.caller(broker.access(acme)) as caller,
    ):

        async def on_the_same() -> None:
            await caller.get_latent(make_latent(1).latent_id, timeout=TIMEOUT)

        async def of_a_service() -> None:
            await receiver.get("acme")

        calls = (on_a_new_one, on_the_same, of_a_service)
        traffics = [Traffic(of_nothing(call)) for call in calls]
        for _ in range(ROTATIONS):
            await asyncio.to_thread(broker.certificates.renew)
            for traffic in traffics:
                await traffic.some_more()
        for traffic in traffics:
            await traffic.end()


async def test_a_service_follows_its_ca_to_another_one(
    broker: Secured, foreign: Certificates
) -> None:
    """First both CAs are believed in, then certificates are of the new one, then the old goes.

    A connection that breaks then is made anew with what the files say by then.
    """
    ours = broker.certificates
    old_ca, new_ca = ours.ca.read_bytes(), foreign.ca.read_bytes()
    async with (
        cable_to(broker.servers.public.services_port or 0) as cable,
        broker.service(ours.credentials("receiver"), port=cable.port) as receiver,
    ):
        traffic = Traffic(of_nothing(lambda: receiver.get("acme")))
        for believed in (old_ca + new_ca, new_ca):
            replace_by(ours.ca, believed)
            await traffic.some_more()
            for name in ("broker", "receiver"):
                for kind in ("key", "pem"):
                    shutil.copy(foreign.folder / f"{name}.{kind}", ours.folder / f"new.{kind}")
                    (ours.folder / f"new.{kind}").replace(ours.folder / f"{name}.{kind}")
            await traffic.some_more()
        await traffic.end()
        cable.cut()
        with pytest.raises(UnknownLatent):
            await receiver.get("acme")


async def test_a_certificate_whose_key_is_another_ones_is_not_taken_up(
    broker: Secured, acme: str
) -> None:
    ours = broker.certificates
    before = await shown(broker.servers.public.port)
    replace_by(ours.folder / "broker.key", (ours.folder / "sharer.key").read_bytes())
    assert await shown(broker.servers.public.port) == before
    async with broker.caller(broker.access(acme)) as caller:
        with pytest.raises(UnknownLatent):
            await caller.get_latent(make_latent(1).latent_id, timeout=TIMEOUT)


async def test_files_that_never_fit_keep_a_broker_from_starting(
    certificates: Certificates, tenants: TenantsFile, acme: str, clock: ManualClock
) -> None:
    shutil.copy(certificates.folder / "sharer.key", certificates.folder / "broker.key")
    with pytest.raises(InvalidInput, match=r"broker\.pem"):
        await anext(aiter_of(certificates, tenants, clock))


async def aiter_of(
    certificates: Certificates, tenants: TenantsFile, clock: ManualClock
) -> AsyncIterator[Secured]:
    async with secured_broker(certificates, tenants, clock) as broker:
        yield broker


# --- tokens and tenants ---------------------------------------------------------------------


async def test_rotating_a_token_under_running_calls_loses_none(
    broker: Secured, acme: str, tmp_path: Path
) -> None:
    """The tenant has both for as long as it takes its callers to have the new one."""
    token_file = tmp_path / "token"
    replace_by(token_file, acme.encode())
    access = Access(ca=str(broker.certificates.ca), token_file=str(token_file))
    old = acme
    async with broker.caller(access) as caller:

        async def call() -> None:
            await caller.get_latent(make_latent(1).latent_id, timeout=TIMEOUT)

        traffic = Traffic(of_nothing(call))
        for _ in range(ROTATIONS):
            await traffic.some_more()
            new = new_token()
            broker.tenants.put("acme", old, new)
            await traffic.some_more()
            replace_by(token_file, f"{new}\n".encode())
            await traffic.some_more()
            broker.tenants.put("acme", new)
            old = new
        await traffic.some_more()
        await traffic.end()


async def test_a_token_that_is_taken_away_is_of_no_use_any_more(broker: Secured, acme: str) -> None:
    async with broker.caller(broker.access(acme)) as caller:
        with pytest.raises(UnknownLatent):
            await caller.get_latent(make_latent(1).latent_id, timeout=TIMEOUT)
        broker.tenants.put("acme", new_token())
        with pytest.raises(AccessDenied):
            await caller.get_latent(make_latent(1).latent_id, timeout=TIMEOUT)


async def test_a_broken_tenants_file_changes_nothing(broker: Secured, acme: str) -> None:
    async with broker.caller(broker.access(acme)) as caller:
        for broken in ("", "[tenants", "[tenants.acme]\nrights = []"):
            broker.tenants.write(broken)
            with pytest.raises(UnknownLatent):
                await caller.get_latent(make_latent(1).latent_id, timeout=TIMEOUT)


async def test_quotas_are_those_that_the_file_has_now(
    broker: Secured, acme: str, clock: ManualClock
) -> None:
    def fresh() -> MadeLatent:
        return make_latent(clock(), stream_bytes=300_000, frame_bytes=100_000)

    async with broker.caller(broker.access(acme)) as caller:
        made = fresh()
        await caller.publish(made.manifest_bytes, made.frames, timeout=TIMEOUT)
        broker.tenants.put("acme", acme, stored_bytes=100_000)
        made = fresh()
        with pytest.raises(QuotaExceeded):
            await caller.publish(made.manifest_bytes, made.frames, timeout=TIMEOUT)


async def test_a_tenant_that_is_gone_ends_with_its_next_charge(
    broker: Secured, acme: str, clock: ManualClock
) -> None:
    made = make_latent(clock(), stream_bytes=800_000, frame_bytes=200_000)
    broker.tenants.put("other")

    async def frames() -> AsyncIterator[Frame]:
        for number, frame in enumerate(made.frames):
            if number == 1:
                broker.tenants.remove("acme")
            yield frame

    async with broker.caller(broker.access(acme)) as caller:
        with pytest.raises(AccessDenied):
            await caller.publish(made.manifest_bytes, frames(), timeout=TIMEOUT)
