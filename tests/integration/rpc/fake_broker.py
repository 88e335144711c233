"""A broker for the client's tests: in memory, counting, and able to fail on demand."""

from collections.abc import AsyncIterator
from typing import Any

from latentflow.errors import LatentFlowError, UnknownLatent
from latentflow.latent import Commit, Frame, LatentId
from latentflow.relay import (
    DeadLetter,
    Delivery,
    FlowInfo,
    Inspection,
    LatentPage,
    Lineage,
    Open,
    Receipt,
    StreamStep,
)
from latentflow.rpc.server import Registration
from latentflow.v1.broker_pb2 import RecordUseResponse
from latentflow.v1.broker_pb2_grpc import BrokerServiceServicer, add_BrokerServiceServicer_to_server
from latentflow.wire import flows, inspection, lineage
from latentflow.wire.publish import publish_event_to_proto
from latentflow.wire.subscribe import stream_step_to_proto, subscribe_call_from_proto
from tests.integration.rpc.fake_upload import Hook, Latent, Latents, Ledger, Upload, nothing

NOW_MS = 1_760_000_001_000


class FakeBroker(BrokerServiceServicer):
    """Acknowledges as late as its credit lets it, so that a client that sends more is seen."""

    def __init__(self, *, credit_bytes: int = 64 * 1024) -> None:
        self.latents = Latents()
        self.ledger = Ledger(credit_bytes=credit_bytes)
        self.subscribed = 0
        self.on_frame_sent: Hook = nothing
        self.failures: list[LatentFlowError] = []
        self.acknowledged: list[str] = []
        self.dead_letter: DeadLetter | None = None
        self.flows: list[FlowInfo] = []
        self.inspection = Inspection(version="0", at_ms=NOW_MS, servers=("memory",), remarks=())

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

    # --- flows ------------------------------------------------------------------------------

    async def Watch(self, request: Any, context: Any) -> AsyncIterator[Any]:
        call = flows.watch_call_from_proto(request)
        for number, latent in enumerate(self.latents.values()):
            assert latent.manifest.flow == call.flow
            delivery_id = f"{number}" if call.group else ""
            yield flows.delivery_to_proto(
                Delivery(
                    delivery_id=delivery_id, latent=latent.info(), dead_letter=self.dead_letter
                )
            )

    async def Ack(self, request: Any, context: Any) -> Any:
        delivery_ids = flows.ack_call_from_proto(request).delivery_ids
        self.acknowledged += delivery_ids
        return flows.acknowledged_to_proto(len(delivery_ids))

    async def ListFlows(self, request: Any, context: Any) -> Any:
        return inspection.flows_to_proto(self.flows)

    # --- a latent's life --------------------------------------------------------------------

    async def GetLatent(self, request: Any, context: Any) -> Any:
        if self.failures:
            raise self.failures.pop(0)
        return flows.got_latent_to_proto(self._find(flows.get_call_from_proto(request)).info())

    async def ListLatents(self, request: Any, context: Any) -> Any:
        call = flows.list_call_from_proto(request)
        infos = [self.latents[latent_id].info() for latent_id in sorted(self.latents, reverse=True)]
        infos = [info for info in infos if call.flow in (None, info.manifest.flow)]
        start = int(call.page_token or 0)
        end = start + call.page_size
        token = f"{end}" if end < len(infos) else ""
        page = LatentPage(latents=tuple(infos[start:end]), next_page_token=token)
        return flows.latent_page_to_proto(page)

    async def RevokeLatent(self, request: Any, context: Any) -> Any:
        latent = self._find(lineage.revoke_call_from_proto(request))
        del self.latents[latent.manifest.latent_id]
        return lineage.revoked_to_proto(latent.receipts)

    async def FindLatent(self, request: Any, context: Any) -> Any:
        call = lineage.find_call_from_proto(request)
        for latent in self.latents.values():
            described = latent.manifest
            if (described.flow, described.content_digest) == (call.flow, call.content_digest):
                return lineage.found_to_proto(latent.info())
        return lineage.found_to_proto(None)

    async def RenewLatent(self, request: Any, context: Any) -> Any:
        call = lineage.renew_call_from_proto(request)
        latent = self._find(call.latent_id)
        latent.expires_ms = max(latent.expires_ms, call.expires_ms)
        return lineage.renewed_to_proto(latent.info())

    async def RecordUse(self, request: Any, context: Any) -> Any:
        call = lineage.use_call_from_proto(request)
        receipt = Receipt(reader=call.reader, generation=call.generation, at_ms=NOW_MS)
        receipts = self._find(call.latent_id).receipts
        if receipt not in receipts:
            receipts.append(receipt)
        return RecordUseResponse()

    async def GetLineage(self, request: Any, context: Any) -> Any:
        latent = self._find(lineage.lineage_call_from_proto(request))
        told = Lineage(latent=latent.info(), receipts=tuple(latent.receipts))
        return lineage.lineage_to_proto(told)

    # --- itself -----------------------------------------------------------------------------

    async def Inspect(self, request: Any, context: Any) -> Any:
        return inspection.inspection_to_proto(self.inspection)
