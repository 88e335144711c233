"""A broker for the client's tests: in memory, counting, and able to fail on demand."""

from collections.abc import AsyncIterator
from typing import Any

from latentflow.errors import LatentFlowError, UnknownLatent
from latentflow.latent import Commit, Frame, LatentId
from latentflow.relay import Delivery, LatentPage, Open, StreamStep
from latentflow.rpc.server import Registration
from latentflow.v1.broker_pb2 import RevokeLatentResponse
from latentflow.v1.broker_pb2_grpc import BrokerServiceServicer, add_BrokerServiceServicer_to_server
from latentflow.wire import flows, lineage
from latentflow.wire.publish import publish_event_to_proto
from latentflow.wire.subscribe import stream_step_to_proto, subscribe_call_from_proto
from tests.integration.rpc.fake_upload import Hook, Latent, Latents, Ledger, Upload, nothing


class FakeBroker(BrokerServiceServicer):
    """Acknowledges as late as its credit lets it, so that a client that sends more is seen."""

    def __init__(self, *, credit_bytes: int = 64 * 1024) -> None:
        self.latents = Latents()
        self.ledger = Ledger(credit_bytes=credit_bytes)
        self.subscribed = 0
        self.on_frame_sent: Hook = nothing
        self.failures: list[LatentFlowError] = []

    def registration(self) -> Registration:
        return Registration(
            service="latentflow.v1.BrokerService",
            add=lambda server: add_BrokerServiceServicer_to_server(self, server),
        )

    def hold(self, manifest_bytes: bytes, frames: list[Frame], commit: Commit | None) -> LatentId:
        latent = self.latents.open(manifest_bytes)
        latent.frames, latent.commit = frames, commit
        return latent.manifest.latent_id

    def _find(self, latent_id: LatentId) -> Latent:
        if latent_id not in self.latents:
            raise UnknownLatent(latent_id=latent_id)
        return self.latents[latent_id]

    # --- publish ----------------------------------------------------------------------------

    async def Publish(
        self, request_iterator: AsyncIterator[Any], context: Any
    ) -> AsyncIterator[Any]:
        upload = Upload(self.ledger, self.latents, request_iterator)
        try:
            async for event in upload.events():
                yield publish_event_to_proto(event)
        finally:
            upload.receiving.cancel()

    # --- subscribe --------------------------------------------------------------------------

    async def Subscribe(self, request: Any, context: Any) -> AsyncIterator[Any]:
        self.subscribed += 1
        call = subscribe_call_from_proto(request)
        latent = self._find(call.latent_id)
        for step in self._steps(latent, call.first_frame):
            yield stream_step_to_proto(step)
            if isinstance(step, Frame):
                self.on_frame_sent(step.index)

    def _steps(self, latent: Latent, first_frame: int) -> list[StreamStep]:
        assert latent.commit is not None
        opening = Open(manifest_bytes=latent.manifest_bytes)
        return [opening, *latent.frames[first_frame:], latent.commit]

    # --- the rest ---------------------------------------------------------------------------

    async def Watch(self, request: Any, context: Any) -> AsyncIterator[Any]:
        call = flows.watch_call_from_proto(request)
        for number, latent in enumerate(self.latents.values()):
            assert latent.manifest.flow == call.flow
            yield flows.delivery_to_proto(Delivery(delivery_id=f"{number}", latent=latent.info()))

    async def Ack(self, request: Any, context: Any) -> Any:
        return flows.acknowledged_to_proto(len(flows.ack_call_from_proto(request).delivery_ids))

    async def GetLatent(self, request: Any, context: Any) -> Any:
        if self.failures:
            raise self.failures.pop(0)
        return flows.got_latent_to_proto(self._find(flows.get_call_from_proto(request)).info())

    async def ListLatents(self, request: Any, context: Any) -> Any:
        page = LatentPage(latents=tuple(latent.info() for latent in self.latents.values()))
        return flows.latent_page_to_proto(page)

    async def RevokeLatent(self, request: Any, context: Any) -> Any:
        del self.latents[self._find(lineage.revoke_call_from_proto(request)).manifest.latent_id]
        return RevokeLatentResponse()
