"""The broker's admin port as a client sees it, otherwise as `broker_client`."""

import grpc

from latentflow.latent import LatentId
from latentflow.relay import FlowInfo, Inspection, LatentPage, Lineage, ListCall, Receipt
from latentflow.rpc.broker_client import unreachable
from latentflow.rpc.outgoing import Peer
from latentflow.v1 import broker_pb2
from latentflow.v1.broker_pb2_grpc import BrokerServiceStub
from latentflow.wire import flows, inspection, lineage


class AdminClient:
    """Oversees a tenant's latents and withdraws them. Raises as `BrokerClient`."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self._stub = BrokerServiceStub(channel)
        self._peer = Peer(unreachable)

    async def list_latents(self, call: ListCall, *, timeout: float) -> LatentPage:
        request = flows.list_call_to_proto(call)
        response = await self._peer.ask(self._stub.ListLatents, request, timeout=timeout)
        return flows.latent_page_from_proto(response)

    async def revoke(self, latent_id: LatentId, *, timeout: float) -> tuple[Receipt, ...]:
        """Every use of it until now: whom it had reached."""
        request = lineage.revoke_call_to_proto(latent_id)
        response = await self._peer.ask(self._stub.RevokeLatent, request, timeout=timeout)
        return lineage.revoked_from_proto(response)

    async def get_lineage(self, latent_id: LatentId, *, timeout: float) -> Lineage:
        request = lineage.lineage_call_to_proto(latent_id)
        response = await self._peer.ask(self._stub.GetLineage, request, timeout=timeout)
        return lineage.lineage_from_proto(response)

    async def list_flows(self, *, timeout: float) -> tuple[FlowInfo, ...]:
        request = broker_pb2.ListFlowsRequest()
        response = await self._peer.ask(self._stub.ListFlows, request, timeout=timeout)
        return inspection.flows_from_proto(response)

    async def inspect(self, *, timeout: float) -> Inspection:
        request = broker_pb2.InspectRequest()
        response = await self._peer.ask(self._stub.Inspect, request, timeout=timeout)
        return inspection.inspection_from_proto(response)
