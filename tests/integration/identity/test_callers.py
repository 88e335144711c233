"""Who gets in at the broker's ports, and as whom."""

from collections.abc import Awaitable, Callable

import pytest

from latentflow.errors import AccessDenied, BrokerUnavailable, QuotaExceeded, UnknownLatent
from latentflow.relay import ListCall
from latentflow.rpc.access import Access, without_tls
from latentflow.rpc.admin_client import AdminClient
from latentflow.rpc.channel import open_channel
from latentflow.tenants import new_token
from tests.certificates import Certificates
from tests.integration.identity.secured import TIMEOUT, Secured, Service
from tests.made_latents import make_latent
from tests.manual_clock import ManualClock


async def test_a_tenant_reads_what_it_published_and_no_other_tenant_does(
    broker: Secured, acme: str, clock: ManualClock
) -> None:
    made = make_latent(clock())
    other = broker.tenants.put("other")
    async with broker.caller(broker.access(acme)) as caller:
        await caller.publish(made.manifest_bytes, made.frames, timeout=TIMEOUT)
        assert (await caller.fetch(made.latent_id, timeout=TIMEOUT)).stream == made.stream
    async with broker.caller(broker.access(other)) as stranger:
        with pytest.raises(UnknownLatent):
            await stranger.fetch(made.latent_id, timeout=TIMEOUT)
    async with broker.admin(broker.access(other)) as stranger:
        assert (await stranger.list_latents(ListCall(), timeout=TIMEOUT)).latents == ()
        with pytest.raises(UnknownLatent):
            await stranger.revoke(made.latent_id, timeout=TIMEOUT)


@pytest.mark.parametrize("token", ["", "lcf_wrong", new_token()])
async def test_without_a_token_of_a_tenant_nobody_gets_in(broker: Secured, token: str) -> None:
    async with broker.caller(broker.access(token)) as caller:
        with pytest.raises(AccessDenied):
            await caller.get_latent(make_latent(1).latent_id, timeout=TIMEOUT)
    async with broker.admin(broker.access(token)) as admin:
        with pytest.raises(AccessDenied):
            await admin.inspect(timeout=TIMEOUT)


async def test_a_caller_without_tls_is_not_heard(broker: Secured) -> None:
    async with broker.caller(Access()) as caller:
        with pytest.raises(BrokerUnavailable):
            await caller.get_latent(make_latent(1).latent_id, timeout=TIMEOUT)


async def test_a_caller_believes_no_server_of_another_ca(
    broker: Secured, foreign: Certificates, acme: str
) -> None:
    async with broker.caller(Access(ca=foreign.ca, token=acme)) as caller:
        with pytest.raises(BrokerUnavailable):
            await caller.get_latent(make_latent(1).latent_id, timeout=TIMEOUT)


@pytest.mark.parametrize(
    ("rights", "may_publish", "may_read", "may_oversee"),
    [
        (("share",), True, False, False),
        (("ask",), False, True, False),
        (("admin",), False, False, True),
    ],
)
async def test_each_right_opens_its_own_calls_only(
    broker: Secured,
    clock: ManualClock,
    rights: tuple[str, ...],
    may_publish: bool,
    may_read: bool,
    may_oversee: bool,
) -> None:
    made = make_latent(clock())
    access = broker.access(broker.tenants.put("narrow", rights=rights))
    async with broker.caller(access) as caller, broker.admin(access) as admin:

        async def read() -> None:
            with pytest.raises(UnknownLatent):
                await caller.get_latent(make_latent(clock()).latent_id, timeout=TIMEOUT)

        async def publish() -> None:
            await caller.publish(made.manifest_bytes, made.frames, timeout=TIMEOUT)

        async def oversee() -> None:
            await admin.list_flows(timeout=TIMEOUT)

        assert await is_admitted(publish) is may_publish
        assert await is_admitted(read) is may_read
        assert await is_admitted(oversee) is may_oversee


async def is_admitted(call: Callable[[], Awaitable[None]]) -> bool:
    try:
        await call()
    except AccessDenied:
        return False
    return True


async def test_each_port_takes_its_own_calls_only(broker: Secured, acme: str) -> None:
    """Whoever may do everything may not do it everywhere."""
    public, admin = broker.servers
    crossed = Secured(
        servers=type(broker.servers)(public=admin, admin=public),
        certificates=broker.certificates,
        tenants=broker.tenants,
    )
    async with crossed.caller(broker.access(acme)) as caller:
        with pytest.raises(AccessDenied):
            await caller.get_latent(make_latent(1).latent_id, timeout=TIMEOUT)
    async with crossed.admin(broker.access(acme)) as overseer:
        for call in overseeing(overseer):
            with pytest.raises(AccessDenied):
                await call


def overseeing(admin: AdminClient) -> list[Awaitable[object]]:
    latent_id = make_latent(1).latent_id
    return [
        admin.inspect(timeout=TIMEOUT),
        admin.list_flows(timeout=TIMEOUT),
        admin.list_latents(ListCall(), timeout=TIMEOUT),
        admin.get_lineage(latent_id, timeout=TIMEOUT),
        admin.revoke(latent_id, timeout=TIMEOUT),
    ]


async def test_a_tenants_quotas_are_its_own(broker: Secured, clock: ManualClock) -> None:
    small = broker.access(broker.tenants.put("small", stored_bytes=100_000))
    large = broker.access(broker.tenants.put("large"))
    made = make_latent(clock(), stream_bytes=300_000, frame_bytes=100_000)
    async with broker.caller(small) as caller:
        with pytest.raises(QuotaExceeded, match="stored_bytes of 100000"):
            await caller.publish(made.manifest_bytes, made.frames, timeout=TIMEOUT)
    async with broker.caller(large) as caller:
        await caller.publish(made.manifest_bytes, made.frames, timeout=TIMEOUT)


# --- services -------------------------------------------------------------------------------


async def test_a_service_acts_for_a_tenant_in_what_is_its_own(
    broker: Secured, certificates: Certificates
) -> None:
    async with broker.service(certificates.credentials("sharer")) as sharer:
        await sharer.find("acme")
        with pytest.raises(AccessDenied):
            await sharer.get("acme")
    async with broker.service(certificates.credentials("receiver")) as receiver:
        with pytest.raises(UnknownLatent):
            await receiver.get("acme")
        with pytest.raises(AccessDenied):
            await receiver.find("acme")


@pytest.mark.parametrize("tenant", [None, "", "nobody", "default"])
async def test_a_service_acts_for_nobody_it_can_not_name(
    broker: Secured, certificates: Certificates, tenant: str | None
) -> None:
    async with broker.service(certificates.credentials("sharer")) as sharer:
        with pytest.raises(AccessDenied):
            await sharer.find(tenant)


async def test_a_service_has_no_more_rights_than_its_tenant(
    broker: Secured, certificates: Certificates
) -> None:
    broker.tenants.put("reader", rights=("ask",))
    async with broker.service(certificates.credentials("sharer")) as sharer:
        with pytest.raises(AccessDenied):
            await sharer.find("reader")


async def test_a_certificate_that_is_no_sharers_or_receivers_opens_nothing(
    broker: Secured, certificates: Certificates
) -> None:
    async with broker.service(certificates.credentials("broker")) as other:
        for call in (other.find, other.get):
            with pytest.raises(AccessDenied):
                await call("acme")


async def test_at_the_services_port_nobody_gets_in_without_a_certificate_of_the_ca(
    broker: Secured, foreign: Certificates, acme: str
) -> None:
    for credentials in (
        broker.access(acme).credentials(),
        foreign.credentials("sharer"),
        without_tls,
    ):
        async with broker.service(credentials) as nobody:
            with pytest.raises(BrokerUnavailable):
                await nobody.find("acme")


async def test_a_caller_can_not_name_another_tenant(broker: Secured) -> None:
    """What a service may say counts for nothing beside a token."""
    reader = broker.access(broker.tenants.put("reader", rights=("ask",)))
    public = f"127.0.0.1:{broker.servers.public.port}"
    async with open_channel(public, reader.credentials()) as channel:
        with pytest.raises(AccessDenied):
            await Service(channel).find("acme")
