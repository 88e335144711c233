"""Which file under v1 holds which message, and the conversions that read and write it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from google.protobuf.message import Message

from latentflow.v1 import broker_pb2, latent_pb2, receiver_pb2, sharer_pb2
from latentflow.wire import (
    descriptions,
    flows,
    generate,
    infos,
    inspection,
    latents,
    lineage,
    publish,
    sessions,
    share,
    subscribe,
)
from latentflow.wire.manifests import manifest_from_bytes, manifest_to_bytes
from tests.golden import call_values, latent_values, relay_values


@dataclass(frozen=True, slots=True)
class Golden:
    """A value, and its ways to and from the bytes of its file."""

    value: Any
    encode: Callable[[Any], bytes]
    decode: Callable[[bytes], Any]


def manifest(value: Any) -> Golden:
    return Golden(value, manifest_to_bytes, manifest_from_bytes)


def message(
    value: Any,
    message_type: type[Message],
    to_proto: Callable[[Any], Message],
    from_proto: Callable[[Any], Any],
) -> Golden:
    return Golden(
        value,
        encode=lambda value: to_proto(value).SerializeToString(deterministic=True),
        decode=lambda data: from_proto(message_type.FromString(data)),
    )


def frame(value: Any) -> Golden:
    return message(value, latent_pb2.Frame, latents.frame_to_proto, latents.frame_from_proto)


def commit(value: Any) -> Golden:
    return message(value, latent_pb2.Commit, latents.commit_to_proto, latents.commit_from_proto)


def share_event(name: str) -> Golden:
    return message(
        call_values.SHARE_EVENTS[name],
        sharer_pb2.ShareResponse,
        share.share_event_to_proto,
        share.share_event_from_proto,
    )


def share_call(value: Any) -> Golden:
    return message(
        value, sharer_pb2.ShareRequest, share.share_call_to_proto, share.share_call_from_proto
    )


def generate_call(value: Any) -> Golden:
    return message(
        value,
        receiver_pb2.GenerateRequest,
        generate.generate_call_to_proto,
        generate.generate_call_from_proto,
    )


def generate_event(name: str) -> Golden:
    return message(
        call_values.GENERATE_EVENTS[name],
        receiver_pb2.GenerateResponse,
        generate.generate_event_to_proto,
        generate.generate_event_from_proto,
    )


def publish_step(value: Any) -> Golden:
    return message(
        value,
        broker_pb2.PublishRequest,
        publish.publish_step_to_proto,
        publish.publish_step_from_proto,
    )


def publish_event(name: str) -> Golden:
    return message(
        relay_values.PUBLISH_EVENTS[name],
        broker_pb2.PublishResponse,
        publish.publish_event_to_proto,
        publish.publish_event_from_proto,
    )


def stream_step(value: Any) -> Golden:
    return message(
        value,
        broker_pb2.SubscribeResponse,
        subscribe.stream_step_to_proto,
        subscribe.stream_step_from_proto,
    )


GOLDEN = {
    "manifest_lcf_prefix": manifest(latent_values.MANIFEST),
    "manifest_text": manifest(latent_values.TEXT_MANIFEST),
    "frame_0": frame(latent_values.FRAME_0),
    "frame_1": frame(latent_values.FRAME_1),
    "frame_text": frame(latent_values.TEXT_FRAME),
    "commit": commit(latent_values.COMMIT),
    "manifest_sealed": manifest(latent_values.SEALED_MANIFEST),
    "frame_sealed_0": frame(latent_values.SEALED_0),
    "frame_sealed_1": frame(latent_values.SEALED_1),
    "commit_signed": commit(latent_values.SIGNED_COMMIT),
    "commit_text": commit(latent_values.TEXT_COMMIT),
    "latent_info_open": message(
        latent_values.TEXT_OPEN,
        latent_pb2.LatentInfo,
        infos.latent_info_to_proto,
        infos.latent_info_from_proto,
    ),
    "share_request_latent": share_call(call_values.SHARE_LATENT),
    "share_request_text": share_call(call_values.SHARE_TEXT),
    "share_request_fresh": share_call(call_values.SHARE_FRESH),
    "share_response_queued": share_event("queued"),
    "share_response_prefilled": share_event("prefilled"),
    "share_response_published": share_event("published"),
    "share_response_committed": share_event("committed"),
    "share_response_reused": share_event("reused"),
    "describe_sharer_response": message(
        call_values.SHARER_DESCRIPTION,
        sharer_pb2.DescribeSharerResponse,
        descriptions.sharer_description_to_proto,
        descriptions.sharer_description_from_proto,
    ),
    "generate_request_latents": generate_call(call_values.GENERATE_LATENTS),
    "generate_request_session": generate_call(call_values.GENERATE_SESSION),
    "generate_response_outcome": generate_event("outcome"),
    "generate_response_translated": generate_event("translated"),
    "generate_response_token": generate_event("token"),
    "generate_response_usage": generate_event("usage"),
    "score_request": message(
        call_values.SCORE,
        receiver_pb2.ScoreRequest,
        sessions.score_call_to_proto,
        sessions.score_call_from_proto,
    ),
    "score_response": message(
        call_values.SCORED,
        receiver_pb2.ScoreResponse,
        sessions.scored_to_proto,
        sessions.scored_from_proto,
    ),
    "open_session_request": message(
        call_values.OPEN_SESSION,
        receiver_pb2.OpenSessionRequest,
        sessions.open_session_call_to_proto,
        sessions.open_session_call_from_proto,
    ),
    "open_session_response": message(
        call_values.SESSION,
        receiver_pb2.OpenSessionResponse,
        sessions.session_to_proto,
        sessions.session_from_proto,
    ),
    "describe_receiver_response": message(
        call_values.RECEIVER_DESCRIPTION,
        receiver_pb2.DescribeReceiverResponse,
        descriptions.receiver_description_to_proto,
        descriptions.receiver_description_from_proto,
    ),
    "publish_request_open": publish_step(relay_values.OPAQUE_OPEN),
    "publish_request_whole": publish_step(relay_values.OPAQUE_WHOLE),
    "publish_request_frame": publish_step(latent_values.FRAME_1),
    "publish_request_commit": publish_step(latent_values.COMMIT),
    "publish_request_abort": publish_step(relay_values.ABORT),
    "publish_response_opened": publish_event("opened"),
    "publish_response_progress": publish_event("progress"),
    "publish_response_committed": publish_event("committed"),
    "publish_response_aborted": publish_event("aborted"),
    "subscribe_request": message(
        relay_values.SUBSCRIBE,
        broker_pb2.SubscribeRequest,
        subscribe.subscribe_call_to_proto,
        subscribe.subscribe_call_from_proto,
    ),
    "subscribe_response_manifest": stream_step(relay_values.OPAQUE_OPEN),
    "subscribe_response_frame": stream_step(latent_values.FRAME_1),
    "subscribe_response_commit": stream_step(latent_values.COMMIT),
    "watch_request": message(
        relay_values.WATCH,
        broker_pb2.WatchRequest,
        flows.watch_call_to_proto,
        flows.watch_call_from_proto,
    ),
    "watch_response": message(
        relay_values.DELIVERY,
        broker_pb2.WatchResponse,
        flows.delivery_to_proto,
        flows.delivery_from_proto,
    ),
    "ack_request": message(
        relay_values.ACK, broker_pb2.AckRequest, flows.ack_call_to_proto, flows.ack_call_from_proto
    ),
    "list_latents_request": message(
        relay_values.LIST,
        broker_pb2.ListLatentsRequest,
        flows.list_call_to_proto,
        flows.list_call_from_proto,
    ),
    "list_latents_response": message(
        relay_values.PAGE,
        broker_pb2.ListLatentsResponse,
        flows.latent_page_to_proto,
        flows.latent_page_from_proto,
    ),
    "watch_response_dead_letter": message(
        relay_values.DEAD_DELIVERY,
        broker_pb2.WatchResponse,
        flows.delivery_to_proto,
        flows.delivery_from_proto,
    ),
    "list_flows_response": message(
        relay_values.FLOWS,
        broker_pb2.ListFlowsResponse,
        inspection.flows_to_proto,
        inspection.flows_from_proto,
    ),
    "find_latent_request": message(
        relay_values.FIND,
        broker_pb2.FindLatentRequest,
        lineage.find_call_to_proto,
        lineage.find_call_from_proto,
    ),
    "find_latent_response": message(
        latent_values.COMMITTED,
        broker_pb2.FindLatentResponse,
        lineage.found_to_proto,
        lineage.found_from_proto,
    ),
    "renew_latent_request": message(
        relay_values.RENEW,
        broker_pb2.RenewLatentRequest,
        lineage.renew_call_to_proto,
        lineage.renew_call_from_proto,
    ),
    "renew_latent_response": message(
        latent_values.RENEWED,
        broker_pb2.RenewLatentResponse,
        lineage.renewed_to_proto,
        lineage.renewed_from_proto,
    ),
    "record_use_request": message(
        relay_values.USE,
        broker_pb2.RecordUseRequest,
        lineage.use_call_to_proto,
        lineage.use_call_from_proto,
    ),
    "get_lineage_response": message(
        relay_values.LINEAGE,
        broker_pb2.GetLineageResponse,
        lineage.lineage_to_proto,
        lineage.lineage_from_proto,
    ),
    "revoke_latent_response": message(
        relay_values.RECEIPTS,
        broker_pb2.RevokeLatentResponse,
        lineage.revoked_to_proto,
        lineage.revoked_from_proto,
    ),
    "inspect_response": message(
        relay_values.INSPECTION,
        broker_pb2.InspectResponse,
        inspection.inspection_to_proto,
        inspection.inspection_from_proto,
    ),
}
