"""Converts the broker's calls on flows and on whole latents: watch, ack, get, list."""

from latentflow.latent import LatentId, LatentInfo, parse_flow_name, parse_latent_id
from latentflow.relay import (
    DEFAULT_PAGE_SIZE,
    AckCall,
    DeadLetter,
    Delivery,
    LatentPage,
    ListCall,
    WatchCall,
)
from latentflow.v1 import broker_pb2
from latentflow.wire.infos import latent_info_from_proto, latent_info_to_proto


def watch_call_to_proto(call: WatchCall) -> broker_pb2.WatchRequest:
    return broker_pb2.WatchRequest(flow=call.flow, group=call.group, consumer=call.consumer)


def watch_call_from_proto(message: broker_pb2.WatchRequest) -> WatchCall:
    """Raises EmptyInput naming `consumer`, InvalidInput naming the field."""
    return WatchCall(
        flow=parse_flow_name(message.flow), group=message.group, consumer=message.consumer
    )


def delivery_to_proto(delivery: Delivery) -> broker_pb2.WatchResponse:
    letter = delivery.dead_letter
    return broker_pb2.WatchResponse(
        delivery_id=delivery.delivery_id,
        latent=latent_info_to_proto(delivery.latent),
        dead_letter=None if letter is None else _dead_letter_to_proto(letter),
    )


def delivery_from_proto(message: broker_pb2.WatchResponse) -> Delivery:
    """Raises as `latent_info_from_proto`."""
    has_letter = message.HasField("dead_letter")
    return Delivery(
        delivery_id=message.delivery_id,
        latent=latent_info_from_proto(message.latent),
        dead_letter=_dead_letter_from_proto(message.dead_letter) if has_letter else None,
    )


def ack_call_to_proto(call: AckCall) -> broker_pb2.AckRequest:
    return broker_pb2.AckRequest(flow=call.flow, group=call.group, delivery_ids=call.delivery_ids)


def ack_call_from_proto(message: broker_pb2.AckRequest) -> AckCall:
    """Raises EmptyInput naming `group`, InvalidInput naming the field."""
    return AckCall(
        flow=parse_flow_name(message.flow),
        group=message.group,
        delivery_ids=tuple(message.delivery_ids),
    )


def acknowledged_to_proto(deliveries: int) -> broker_pb2.AckResponse:
    return broker_pb2.AckResponse(acknowledged=deliveries)


def acknowledged_from_proto(message: broker_pb2.AckResponse) -> int:
    return message.acknowledged


def get_call_to_proto(latent_id: LatentId) -> broker_pb2.GetLatentRequest:
    return broker_pb2.GetLatentRequest(latent_id=latent_id)


def get_call_from_proto(message: broker_pb2.GetLatentRequest) -> LatentId:
    """Raises InvalidInput naming `latent_id`."""
    return parse_latent_id(message.latent_id)


def got_latent_to_proto(info: LatentInfo) -> broker_pb2.GetLatentResponse:
    return broker_pb2.GetLatentResponse(latent=latent_info_to_proto(info))


def got_latent_from_proto(message: broker_pb2.GetLatentResponse) -> LatentInfo:
    """Raises as `latent_info_from_proto`."""
    return latent_info_from_proto(message.latent)


def list_call_to_proto(call: ListCall) -> broker_pb2.ListLatentsRequest:
    return broker_pb2.ListLatentsRequest(
        flow=call.flow or "", page_size=call.page_size, page_token=call.page_token
    )


def list_call_from_proto(message: broker_pb2.ListLatentsRequest) -> ListCall:
    """Raises InvalidInput naming the field."""
    return ListCall(
        flow=parse_flow_name(message.flow) if message.flow else None,
        page_size=message.page_size or DEFAULT_PAGE_SIZE,
        page_token=message.page_token,
    )


def latent_page_to_proto(page: LatentPage) -> broker_pb2.ListLatentsResponse:
    return broker_pb2.ListLatentsResponse(
        latents=[latent_info_to_proto(info) for info in page.latents],
        next_page_token=page.next_page_token,
    )


def latent_page_from_proto(message: broker_pb2.ListLatentsResponse) -> LatentPage:
    """Raises as `latent_info_from_proto`."""
    return LatentPage(
        latents=tuple(latent_info_from_proto(info) for info in message.latents),
        next_page_token=message.next_page_token,
    )


def _dead_letter_to_proto(letter: DeadLetter) -> broker_pb2.DeadLetter:
    return broker_pb2.DeadLetter(
        flow=letter.flow, group=letter.group, deliveries=letter.deliveries, reason=letter.reason
    )


def _dead_letter_from_proto(message: broker_pb2.DeadLetter) -> DeadLetter:
    return DeadLetter(
        flow=parse_flow_name(message.flow),
        group=message.group,
        deliveries=message.deliveries,
        reason=message.reason,
    )
