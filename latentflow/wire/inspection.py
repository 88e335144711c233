"""Converts what the broker tells of its flows and of itself."""

from collections.abc import Sequence

from latentflow.latent import parse_flow_name
from latentflow.relay import FlowInfo, GroupInfo, Inspection
from latentflow.v1 import broker_pb2
from latentflow.wire.times import time_from_proto, time_to_proto


def flows_to_proto(flows: Sequence[FlowInfo]) -> broker_pb2.ListFlowsResponse:
    return broker_pb2.ListFlowsResponse(flows=[_flow_to_proto(flow) for flow in flows])


def flows_from_proto(message: broker_pb2.ListFlowsResponse) -> tuple[FlowInfo, ...]:
    """Raises InvalidInput for a flow without a name."""
    return tuple(_flow_from_proto(flow) for flow in message.flows)


def inspection_to_proto(inspection: Inspection) -> broker_pb2.InspectResponse:
    return broker_pb2.InspectResponse(
        version=inspection.version,
        time=time_to_proto(inspection.at_ms, "time"),
        servers=inspection.servers,
        remarks=inspection.remarks,
    )


def inspection_from_proto(message: broker_pb2.InspectResponse) -> Inspection:
    """Raises EmptyInput, InvalidInput for a time that is none."""
    return Inspection(
        version=message.version,
        at_ms=time_from_proto(message.time, "time"),
        servers=tuple(message.servers),
        remarks=tuple(message.remarks),
    )


def _flow_to_proto(flow: FlowInfo) -> broker_pb2.FlowInfo:
    return broker_pb2.FlowInfo(
        name=flow.name,
        announced=flow.announced,
        groups=[
            broker_pb2.GroupInfo(
                name=group.name, lag=group.lag, pending=group.pending, consumers=group.consumers
            )
            for group in flow.groups
        ],
    )


def _flow_from_proto(message: broker_pb2.FlowInfo) -> FlowInfo:
    return FlowInfo(
        name=parse_flow_name(message.name),
        announced=message.announced,
        groups=tuple(
            GroupInfo(
                name=group.name, lag=group.lag, pending=group.pending, consumers=group.consumers
            )
            for group in message.groups
        ),
    )
