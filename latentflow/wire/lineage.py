"""Converts the broker's calls on a latent's life: find, renew, record a use, lineage, revoke."""

from collections.abc import Iterable, Sequence

from latentflow.latent import LatentId, LatentInfo, parse_digest, parse_flow_name, parse_latent_id
from latentflow.relay import FindCall, Lineage, Receipt, RenewCall, UseCall
from latentflow.v1 import broker_pb2, latent_pb2
from latentflow.wire.infos import latent_info_from_proto, latent_info_to_proto
from latentflow.wire.times import time_from_proto, time_to_proto


def find_call_to_proto(call: FindCall) -> broker_pb2.FindLatentRequest:
    return broker_pb2.FindLatentRequest(flow=call.flow, content_hmac_sha256=call.content_digest)


def find_call_from_proto(message: broker_pb2.FindLatentRequest) -> FindCall:
    """Raises InvalidInput naming the field."""
    return FindCall(
        flow=parse_flow_name(message.flow),
        content_digest=parse_digest(message.content_hmac_sha256, "content_hmac_sha256"),
    )


def found_to_proto(info: LatentInfo | None) -> broker_pb2.FindLatentResponse:
    return broker_pb2.FindLatentResponse(
        latent=None if info is None else latent_info_to_proto(info)
    )


def found_from_proto(message: broker_pb2.FindLatentResponse) -> LatentInfo | None:
    """Raises as `latent_info_from_proto`."""
    return latent_info_from_proto(message.latent) if message.HasField("latent") else None


def renew_call_to_proto(call: RenewCall) -> broker_pb2.RenewLatentRequest:
    """Raises InvalidInput for a time that the wire has not."""
    return broker_pb2.RenewLatentRequest(
        latent_id=call.latent_id, expire_time=time_to_proto(call.expires_ms, "expire_time")
    )


def renew_call_from_proto(message: broker_pb2.RenewLatentRequest) -> RenewCall:
    """Raises EmptyInput, InvalidInput naming the field."""
    return RenewCall(
        latent_id=parse_latent_id(message.latent_id),
        expires_ms=time_from_proto(message.expire_time, "expire_time"),
    )


def renewed_to_proto(info: LatentInfo) -> broker_pb2.RenewLatentResponse:
    return broker_pb2.RenewLatentResponse(latent=latent_info_to_proto(info))


def renewed_from_proto(message: broker_pb2.RenewLatentResponse) -> LatentInfo:
    """Raises as `latent_info_from_proto`."""
    return latent_info_from_proto(message.latent)


def use_call_to_proto(call: UseCall) -> broker_pb2.RecordUseRequest:
    return broker_pb2.RecordUseRequest(
        latent_id=call.latent_id, reader=call.reader, generation=call.generation
    )


def use_call_from_proto(message: broker_pb2.RecordUseRequest) -> UseCall:
    """Raises EmptyInput, InvalidInput naming the field."""
    return UseCall(
        latent_id=parse_latent_id(message.latent_id),
        reader=message.reader,
        generation=message.generation,
    )


def lineage_call_to_proto(latent_id: LatentId) -> broker_pb2.GetLineageRequest:
    return broker_pb2.GetLineageRequest(latent_id=latent_id)


def lineage_call_from_proto(message: broker_pb2.GetLineageRequest) -> LatentId:
    """Raises InvalidInput naming `latent_id`."""
    return parse_latent_id(message.latent_id)


def lineage_to_proto(lineage: Lineage) -> broker_pb2.GetLineageResponse:
    return broker_pb2.GetLineageResponse(
        latent=latent_info_to_proto(lineage.latent), receipts=_to_protos(lineage.receipts)
    )


def lineage_from_proto(message: broker_pb2.GetLineageResponse) -> Lineage:
    """Raises as `latent_info_from_proto`; EmptyInput, InvalidInput for a receipt that is none."""
    return Lineage(
        latent=latent_info_from_proto(message.latent), receipts=_from_protos(message.receipts)
    )


def revoke_call_to_proto(latent_id: LatentId) -> broker_pb2.RevokeLatentRequest:
    return broker_pb2.RevokeLatentRequest(latent_id=latent_id)


def revoke_call_from_proto(message: broker_pb2.RevokeLatentRequest) -> LatentId:
    """Raises InvalidInput naming `latent_id`."""
    return parse_latent_id(message.latent_id)


def revoked_to_proto(receipts: Iterable[Receipt]) -> broker_pb2.RevokeLatentResponse:
    return broker_pb2.RevokeLatentResponse(receipts=_to_protos(receipts))


def revoked_from_proto(message: broker_pb2.RevokeLatentResponse) -> tuple[Receipt, ...]:
    """Raises EmptyInput, InvalidInput for a receipt that is none."""
    return _from_protos(message.receipts)


def _to_protos(receipts: Iterable[Receipt]) -> Sequence[latent_pb2.Receipt]:
    return [
        latent_pb2.Receipt(
            reader=receipt.reader,
            generation=receipt.generation,
            time=time_to_proto(receipt.at_ms, "receipt.time"),
        )
        for receipt in receipts
    ]


def _from_protos(messages: Iterable[latent_pb2.Receipt]) -> tuple[Receipt, ...]:
    return tuple(
        Receipt(
            reader=message.reader,
            generation=message.generation,
            at_ms=time_from_proto(message.time, "receipt.time"),
        )
        for message in messages
    )
