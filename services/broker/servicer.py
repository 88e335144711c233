"""BrokerService: each method converts, asks the domain, converts back."""

from collections.abc import AsyncGenerator, AsyncIterator

import grpc

from latentflow.relay import Open
from latentflow.rpc.auth_interceptor import current_tenant
from latentflow.rpc.handlers import Context, Handler
from latentflow.v1 import broker_pb2, broker_pb2_grpc
from latentflow.wire import flows, inspection, lineage
from latentflow.wire.publish import publish_event_to_proto, publish_step_from_proto
from latentflow.wire.relay import frame_response
from latentflow.wire.subscribe import stream_step_to_proto, subscribe_call_from_proto
from services.broker.catalogue import Catalogue
from services.broker.inspecting import Inspecting
from services.broker.lineage import Lineages
from services.broker.publishing import Publishing
from services.broker.record import LatentRef, StoredFrame, StreamEntry
from services.broker.subscribing import Subscribing
from services.broker.watching import Watching

SERVICE = broker_pb2.DESCRIPTOR.services_by_name["BrokerService"].full_name


class BrokerServicer(broker_pb2_grpc.BrokerServiceServicer):
    """Every call is for the tenant of its credential."""

    def __init__(
        self,
        *,
        publishing: Publishing,
        subscribing: Subscribing,
        watching: Watching,
        catalogue: Catalogue,
        lineages: Lineages,
        inspecting: Inspecting,
    ) -> None:
        self._publishing = publishing
        self._subscribing = subscribing
        self._watching = watching
        self._catalogue = catalogue
        self._lineages = lineages
        self._inspecting = inspecting

    async def Publish(
        self, request_iterator: AsyncIterator[broker_pb2.PublishRequest], context: Context
    ) -> AsyncGenerator[broker_pb2.PublishResponse, None]:
        steps = (publish_step_from_proto(request) async for request in request_iterator)
        async for event in self._publishing.publish(current_tenant(), steps):
            yield publish_event_to_proto(event)

    async def Subscribe(  # type: ignore[override]  # responses are bytes, see add_to_server
        self, request: broker_pb2.SubscribeRequest, context: Context
    ) -> AsyncGenerator[bytes, None]:
        call = subscribe_call_from_proto(request)
        ref = LatentRef(tenant=current_tenant(), latent_id=call.latent_id)
        async for step in self._subscribing.subscribe(ref, call.first_frame):
            yield _response_bytes(step)

    async def Watch(
        self, request: broker_pb2.WatchRequest, context: Context
    ) -> AsyncGenerator[broker_pb2.WatchResponse, None]:
        call = flows.watch_call_from_proto(request)
        deliveries = await self._watching.watch(current_tenant(), call)
        # Tells the caller that the watch has begun, which may be long before the first delivery.
        await context.send_initial_metadata(())
        async for delivery in deliveries:
            yield flows.delivery_to_proto(delivery)

    async def Ack(self, request: broker_pb2.AckRequest, context: Context) -> broker_pb2.AckResponse:
        call = flows.ack_call_from_proto(request)
        return flows.acknowledged_to_proto(await self._watching.acknowledge(current_tenant(), call))

    async def GetLatent(
        self, request: broker_pb2.GetLatentRequest, context: Context
    ) -> broker_pb2.GetLatentResponse:
        latent_id = flows.get_call_from_proto(request)
        return flows.got_latent_to_proto(await self._catalogue.get(current_tenant(), latent_id))

    async def ListLatents(
        self, request: broker_pb2.ListLatentsRequest, context: Context
    ) -> broker_pb2.ListLatentsResponse:
        call = flows.list_call_from_proto(request)
        return flows.latent_page_to_proto(await self._catalogue.page(current_tenant(), call))

    async def RevokeLatent(
        self, request: broker_pb2.RevokeLatentRequest, context: Context
    ) -> broker_pb2.RevokeLatentResponse:
        latent_id = lineage.revoke_call_from_proto(request)
        return lineage.revoked_to_proto(await self._lineages.revoke(current_tenant(), latent_id))

    async def FindLatent(
        self, request: broker_pb2.FindLatentRequest, context: Context
    ) -> broker_pb2.FindLatentResponse:
        call = lineage.find_call_from_proto(request)
        return lineage.found_to_proto(await self._catalogue.find(current_tenant(), call))

    async def RenewLatent(
        self, request: broker_pb2.RenewLatentRequest, context: Context
    ) -> broker_pb2.RenewLatentResponse:
        call = lineage.renew_call_from_proto(request)
        return lineage.renewed_to_proto(await self._catalogue.renew(current_tenant(), call))

    async def RecordUse(
        self, request: broker_pb2.RecordUseRequest, context: Context
    ) -> broker_pb2.RecordUseResponse:
        await self._lineages.note(current_tenant(), lineage.use_call_from_proto(request))
        return broker_pb2.RecordUseResponse()

    async def GetLineage(
        self, request: broker_pb2.GetLineageRequest, context: Context
    ) -> broker_pb2.GetLineageResponse:
        latent_id = lineage.lineage_call_from_proto(request)
        return lineage.lineage_to_proto(await self._lineages.lineage(current_tenant(), latent_id))

    async def Inspect(
        self, request: broker_pb2.InspectRequest, context: Context
    ) -> broker_pb2.InspectResponse:
        return inspection.inspection_to_proto(await self._inspecting.inspect())

    async def ListFlows(
        self, request: broker_pb2.ListFlowsRequest, context: Context
    ) -> broker_pb2.ListFlowsResponse:
        return inspection.flows_to_proto(await self._watching.survey(current_tenant()))


def _response_bytes(step: Open | StreamEntry) -> bytes:
    if isinstance(step, StoredFrame):
        return frame_response(step.encoded)
    return stream_step_to_proto(step).SerializeToString()


def add_to_server(servicer: BrokerServicer, server: grpc.aio.Server) -> None:
    """Adds every method; Subscribe without a serialiser, so that frames go out as stored."""
    relay: Handler = grpc.unary_stream_rpc_method_handler(
        servicer.Subscribe, request_deserializer=broker_pb2.SubscribeRequest.FromString
    )
    broker_pb2_grpc.add_BrokerServiceServicer_to_server(servicer, server)
    server.add_registered_method_handlers(SERVICE, {"Subscribe": relay})
