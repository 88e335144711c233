"""A running broker with a client, and a publisher that says exactly what a test wants it to."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import grpc

from latentflow.errors import BrokerUnavailable
from latentflow.latent import LatentId
from latentflow.relay import Open, Opened, PublishEvent, PublishStep, StreamStep
from latentflow.rpc.admin_client import AdminClient
from latentflow.rpc.broker_client import BrokerClient
from latentflow.rpc.channel import open_channel
from latentflow.rpc.deadline import RetryPolicy
from latentflow.rpc.outgoing import Peer
from latentflow.rpc.server import RunningServer
from latentflow.rpc.telemetry import SILENT, Telemetry
from latentflow.v1 import broker_pb2, broker_pb2_grpc
from latentflow.wire.publish import publish_event_from_proto, publish_step_to_proto
from services.broker.__main__ import Stores, build, build_servicer, open_stores
from services.broker.record import ClockMs
from services.broker.settings import Settings
from tests.made_latents import MadeLatent, make_latent

TIMEOUT = 20.0
# A test that breaks the broker wants to hear so at once.
NO_RETRIES = RetryPolicy(attempts=1)

_PEER = Peer(lambda: BrokerUnavailable(retry_after_seconds=1.0))


@dataclass(frozen=True, slots=True, kw_only=True)
class Broker:
    server: RunningServer
    admin_server: RunningServer
    stores: Stores
    channel: grpc.aio.Channel
    client: BrokerClient
    admin: AdminClient

    @property
    def stub(self) -> "broker_pb2_grpc.BrokerServiceAsyncStub":
        return broker_pb2_grpc.BrokerServiceStub(self.channel)

    async def publish(self, made: MadeLatent) -> None:
        await self.client.publish(made.manifest_bytes, made.frames, timeout=TIMEOUT)

    async def read(self, latent_id: LatentId, *, first_frame: int = 0) -> list[StreamStep]:
        """The whole stream."""
        steps = self.client.subscribe(latent_id, first_frame=first_frame, timeout=TIMEOUT)
        return [step async for step in steps]


@asynccontextmanager
async def running_broker(
    settings: Settings, clock_ms: ClockMs, telemetry: Telemetry = SILENT
) -> AsyncIterator[Broker]:
    async with open_stores(settings, clock_ms) as stores:
        servicer = build_servicer(settings, stores, clock_ms, telemetry.meter)
        servers = build(settings, servicer, telemetry)
        for server in servers:
            await server.start()
        async with (
            open_channel(f"127.0.0.1:{servers.public.port}") as channel,
            open_channel(f"127.0.0.1:{servers.admin.port}") as admin,
        ):
            yield Broker(
                server=servers.public,
                admin_server=servers.admin,
                stores=stores,
                channel=channel,
                client=BrokerClient(channel, retry=NO_RETRIES),
                admin=AdminClient(admin),
            )
        for server in servers:
            await server.drain()


class Publisher:
    """One Publish call, step by step."""

    def __init__(self, broker: Broker) -> None:
        self._call = broker.stub.Publish(timeout=TIMEOUT)

    async def say(self, step: PublishStep) -> PublishEvent:
        """The broker's answer. Raises what the broker raised."""
        with _PEER.translated():
            await self._call.write(publish_step_to_proto(step))
            response = await self._call.read()
        assert isinstance(response, broker_pb2.PublishResponse)
        return publish_event_from_proto(response)

    async def open(self, made: MadeLatent) -> Opened:
        event = await self.say(Open(manifest_bytes=made.manifest_bytes))
        assert isinstance(event, Opened)
        return event

    async def hang_up(self) -> None:
        """Says that nothing more comes. Raises what the broker raised."""
        with _PEER.translated():
            await self._call.done_writing()
            assert await self._call.read() is grpc.aio.EOF
            await self._call.wait_for_connection()

    def cut(self) -> None:
        """As when the connection breaks."""
        self._call.cancel()


async def half_published(broker: Broker, clock_ms: ClockMs) -> tuple[MadeLatent, Publisher]:
    """A latent with one frame of three, and who publishes it."""
    made, publisher = make_latent(clock_ms()), Publisher(broker)
    await publisher.open(made)
    await publisher.say(made.frames[0])
    return made, publisher
