"""Each pair of conversions between values and protobuf, with the values that take it."""

from collections.abc import Callable
from typing import Any, NamedTuple

from google.protobuf.message import Message
from hypothesis import strategies as st

from latentflow.v1 import broker_pb2, latent_pb2, receiver_pb2, sharer_pb2
from latentflow.wire import (
    descriptions,
    flows,
    generate,
    infos,
    inspection,
    latents,
    lineage,
    prompts,
    publish,
    sessions,
    share,
    subscribe,
)
from tests.unit.wire import any_calls, any_fields, any_latents, any_relay


class Way(NamedTuple):
    """One pair of conversions, with the values that take it."""

    values: st.SearchStrategy[Any]
    message: type[Message]
    to_proto: Callable[[Any], Message]
    from_proto: Callable[[Any], Any]


WAYS = {
    "label": Way(
        any_latents.labels, latent_pb2.Label, latents.label_to_proto, latents.label_from_proto
    ),
    "identity": Way(
        any_latents.identities,
        latent_pb2.ModelIdentity,
        latents.identity_to_proto,
        lambda message: latents.identity_from_proto(message, "sharer"),
    ),
    "frame": Way(
        any_latents.frames, latent_pb2.Frame, latents.frame_to_proto, latents.frame_from_proto
    ),
    "commit": Way(
        any_latents.commits, latent_pb2.Commit, latents.commit_to_proto, latents.commit_from_proto
    ),
    "latent info": Way(
        any_latents.latent_infos,
        latent_pb2.LatentInfo,
        infos.latent_info_to_proto,
        infos.latent_info_from_proto,
    ),
    "adapter info": Way(
        any_calls.adapter_infos,
        latent_pb2.AdapterInfo,
        descriptions.adapter_info_to_proto,
        descriptions.adapter_info_from_proto,
    ),
    "sharer description": Way(
        any_calls.descriptions,
        sharer_pb2.DescribeSharerResponse,
        descriptions.sharer_description_to_proto,
        descriptions.sharer_description_from_proto,
    ),
    "receiver description": Way(
        any_calls.descriptions,
        receiver_pb2.DescribeReceiverResponse,
        descriptions.receiver_description_to_proto,
        descriptions.receiver_description_from_proto,
    ),
    "share call": Way(
        any_calls.share_calls,
        sharer_pb2.ShareRequest,
        share.share_call_to_proto,
        share.share_call_from_proto,
    ),
    "share event": Way(
        any_calls.share_events,
        sharer_pb2.ShareResponse,
        share.share_event_to_proto,
        share.share_event_from_proto,
    ),
    "latent inputs": Way(
        any_calls.latent_inputs,
        receiver_pb2.LatentInputs,
        prompts.inputs_to_proto,
        prompts.inputs_from_proto,
    ),
    "generate call": Way(
        any_calls.generate_calls,
        receiver_pb2.GenerateRequest,
        generate.generate_call_to_proto,
        generate.generate_call_from_proto,
    ),
    "generate event": Way(
        any_calls.generate_events,
        receiver_pb2.GenerateResponse,
        generate.generate_event_to_proto,
        generate.generate_event_from_proto,
    ),
    "score call": Way(
        any_calls.score_calls,
        receiver_pb2.ScoreRequest,
        sessions.score_call_to_proto,
        sessions.score_call_from_proto,
    ),
    "scored": Way(
        any_calls.scored,
        receiver_pb2.ScoreResponse,
        sessions.scored_to_proto,
        sessions.scored_from_proto,
    ),
    "open session call": Way(
        any_calls.open_session_calls,
        receiver_pb2.OpenSessionRequest,
        sessions.open_session_call_to_proto,
        sessions.open_session_call_from_proto,
    ),
    "session": Way(
        any_calls.sessions,
        receiver_pb2.OpenSessionResponse,
        sessions.session_to_proto,
        sessions.session_from_proto,
    ),
    "close session call": Way(
        any_fields.session_ids,
        receiver_pb2.CloseSessionRequest,
        sessions.close_session_call_to_proto,
        sessions.close_session_call_from_proto,
    ),
    "publish step": Way(
        any_relay.publish_steps,
        broker_pb2.PublishRequest,
        publish.publish_step_to_proto,
        publish.publish_step_from_proto,
    ),
    "publish event": Way(
        any_relay.publish_events,
        broker_pb2.PublishResponse,
        publish.publish_event_to_proto,
        publish.publish_event_from_proto,
    ),
    "subscribe call": Way(
        any_relay.subscribe_calls,
        broker_pb2.SubscribeRequest,
        subscribe.subscribe_call_to_proto,
        subscribe.subscribe_call_from_proto,
    ),
    "stream step": Way(
        any_relay.stream_steps,
        broker_pb2.SubscribeResponse,
        subscribe.stream_step_to_proto,
        subscribe.stream_step_from_proto,
    ),
    "watch call": Way(
        any_relay.watch_calls,
        broker_pb2.WatchRequest,
        flows.watch_call_to_proto,
        flows.watch_call_from_proto,
    ),
    "delivery": Way(
        any_relay.deliveries,
        broker_pb2.WatchResponse,
        flows.delivery_to_proto,
        flows.delivery_from_proto,
    ),
    "ack call": Way(
        any_relay.ack_calls,
        broker_pb2.AckRequest,
        flows.ack_call_to_proto,
        flows.ack_call_from_proto,
    ),
    "acknowledged": Way(
        any_fields.uint32s,
        broker_pb2.AckResponse,
        flows.acknowledged_to_proto,
        flows.acknowledged_from_proto,
    ),
    "get call": Way(
        any_fields.latent_ids,
        broker_pb2.GetLatentRequest,
        flows.get_call_to_proto,
        flows.get_call_from_proto,
    ),
    "got latent": Way(
        any_latents.latent_infos,
        broker_pb2.GetLatentResponse,
        flows.got_latent_to_proto,
        flows.got_latent_from_proto,
    ),
    "list call": Way(
        any_relay.list_calls,
        broker_pb2.ListLatentsRequest,
        flows.list_call_to_proto,
        flows.list_call_from_proto,
    ),
    "latent page": Way(
        any_relay.latent_pages,
        broker_pb2.ListLatentsResponse,
        flows.latent_page_to_proto,
        flows.latent_page_from_proto,
    ),
    "revoke call": Way(
        any_fields.latent_ids,
        broker_pb2.RevokeLatentRequest,
        lineage.revoke_call_to_proto,
        lineage.revoke_call_from_proto,
    ),
    "revoked": Way(
        any_relay.receipts,
        broker_pb2.RevokeLatentResponse,
        lineage.revoked_to_proto,
        lineage.revoked_from_proto,
    ),
    "find call": Way(
        any_relay.find_calls,
        broker_pb2.FindLatentRequest,
        lineage.find_call_to_proto,
        lineage.find_call_from_proto,
    ),
    "found": Way(
        any_latents.latent_infos | st.none(),
        broker_pb2.FindLatentResponse,
        lineage.found_to_proto,
        lineage.found_from_proto,
    ),
    "renew call": Way(
        any_relay.renew_calls,
        broker_pb2.RenewLatentRequest,
        lineage.renew_call_to_proto,
        lineage.renew_call_from_proto,
    ),
    "renewed": Way(
        any_latents.latent_infos,
        broker_pb2.RenewLatentResponse,
        lineage.renewed_to_proto,
        lineage.renewed_from_proto,
    ),
    "use call": Way(
        any_relay.use_calls,
        broker_pb2.RecordUseRequest,
        lineage.use_call_to_proto,
        lineage.use_call_from_proto,
    ),
    "lineage call": Way(
        any_fields.latent_ids,
        broker_pb2.GetLineageRequest,
        lineage.lineage_call_to_proto,
        lineage.lineage_call_from_proto,
    ),
    "lineage": Way(
        any_relay.lineages,
        broker_pb2.GetLineageResponse,
        lineage.lineage_to_proto,
        lineage.lineage_from_proto,
    ),
    "flows": Way(
        any_relay.flow_infos,
        broker_pb2.ListFlowsResponse,
        inspection.flows_to_proto,
        inspection.flows_from_proto,
    ),
    "inspection": Way(
        any_relay.inspections,
        broker_pb2.InspectResponse,
        inspection.inspection_to_proto,
        inspection.inspection_from_proto,
    ),
}
