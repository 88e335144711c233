"""A broker with certificates and tenants, and those who call it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import grpc

from latentflow.errors import BrokerUnavailable
from latentflow.latent import Digest, FlowName
from latentflow.relay import FindCall
from latentflow.rpc.access import Access, Credentials
from latentflow.rpc.admin_client import AdminClient
from latentflow.rpc.auth_interceptor import TENANT_KEY
from latentflow.rpc.broker_client import BrokerClient
from latentflow.rpc.channel import open_channel
from latentflow.rpc.deadline import RetryPolicy
from latentflow.rpc.outgoing import Peer
from latentflow.rpc.telemetry import SILENT
from latentflow.v1.broker_pb2_grpc import BrokerServiceStub
from latentflow.wire.flows import get_call_to_proto
from latentflow.wire.lineage import find_call_to_proto
from services.broker.__main__ import Servers, build, build_servicer, open_stores
from services.broker.settings import Settings
from tests.certificates import Certificates
from tests.integration.identity.tenants import TenantsFile
from tests.made_latents import make_latent
from tests.manual_clock import ManualClock

TIMEOUT = 20.0
ONCE = RetryPolicy(attempts=1)
PEER = Peer(lambda: BrokerUnavailable(retry_after_seconds=1.0))


@dataclass(frozen=True, slots=True, kw_only=True)
class Secured:
    """A broker that is called as anyone would."""

    servers: Servers
    certificates: Certificates
    tenants: TenantsFile

    @asynccontextmanager
    async def caller(self, access: Access) -> AsyncIterator[BrokerClient]:
        """At the public port."""
        port = self.servers.public.port
        async with open_channel(f"127.0.0.1:{port}", access.credentials()) as channel:
            yield BrokerClient(channel, retry=ONCE)

    @asynccontextmanager
    async def admin(self, access: Access) -> AsyncIterator[AdminClient]:
        port = self.servers.admin.port
        async with open_channel(f"127.0.0.1:{port}", access.credentials()) as channel:
            yield AdminClient(channel)

    @asynccontextmanager
    async def service(
        self, credentials: Credentials, *, port: int | None = None
    ) -> AsyncIterator["Service"]:
        """At the port for services, or at one that leads there."""
        there = port or self.servers.public.services_port
        async with open_channel(f"127.0.0.1:{there}", credentials) as channel:
            yield Service(channel)

    def access(self, token: str = "") -> Access:
        return Access(ca=self.certificates.ca, token=token)


class Service:
    """Calls for a tenant that it names; each raises what the broker raised."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self._stub = BrokerServiceStub(channel)

    async def find(self, tenant: str | None) -> None:
        """What a sharer asks."""
        call = FindCall(flow=FlowName("memos"), content_digest=Digest("0a" * 32))
        request = find_call_to_proto(call)
        with PEER.translated():
            await self._stub.FindLatent(request, timeout=TIMEOUT, metadata=_naming(tenant))

    async def get(self, tenant: str | None) -> None:
        """What a receiver may ask, of a latent that is not there."""
        request = get_call_to_proto(make_latent(1).latent_id)
        with PEER.translated():
            await self._stub.GetLatent(request, timeout=TIMEOUT, metadata=_naming(tenant))


def _naming(tenant: str | None) -> tuple[tuple[str, str], ...]:
    return () if tenant is None else ((TENANT_KEY, tenant),)


@asynccontextmanager
async def secured_broker(
    certificates: Certificates, tenants: TenantsFile, clock: ManualClock
) -> AsyncIterator[Secured]:
    settings = Settings(
        port=0,
        services_port=0,
        admin_port=0,
        store_url="memory://",
        longest_wait_seconds=0.05,
        grace_seconds=0.2,
        tenants=tenants.path,
        **certificates.settings("broker"),
    )
    identity = settings.identity()
    async with open_stores(settings, clock) as stores:
        servicer = build_servicer(settings, stores, clock, SILENT.meter, identity)
        servers = build(settings, servicer, SILENT, identity)
        for server in servers:
            await server.start()
        yield Secured(servers=servers, certificates=certificates, tenants=tenants)
        for server in servers:
            await server.drain()
