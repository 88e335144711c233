"""Converts what a sharer and a receiver tell of themselves."""

from latentflow.calls import AdapterInfo, ServiceDescription
from latentflow.latent import parse_digest
from latentflow.v1 import latent_pb2, receiver_pb2, sharer_pb2
from latentflow.wire.enums import METHOD
from latentflow.wire.latents import identity_from_proto, identity_to_proto


def sharer_description_to_proto(
    description: ServiceDescription,
) -> sharer_pb2.DescribeSharerResponse:
    return sharer_pb2.DescribeSharerResponse(
        model=identity_to_proto(description.model),
        max_context_tokens=description.max_tokens,
        adapters=[adapter_info_to_proto(adapter) for adapter in description.adapters],
    )


def sharer_description_from_proto(
    message: sharer_pb2.DescribeSharerResponse,
) -> ServiceDescription:
    """Raises IdentityMissing or InvalidInput naming the field."""
    return ServiceDescription(
        model=identity_from_proto(message.model, "model"),
        max_tokens=message.max_context_tokens,
        adapters=tuple(adapter_info_from_proto(adapter) for adapter in message.adapters),
    )


def receiver_description_to_proto(
    description: ServiceDescription,
) -> receiver_pb2.DescribeReceiverResponse:
    return receiver_pb2.DescribeReceiverResponse(
        model=identity_to_proto(description.model),
        max_positions=description.max_tokens,
        adapters=[adapter_info_to_proto(adapter) for adapter in description.adapters],
    )


def receiver_description_from_proto(
    message: receiver_pb2.DescribeReceiverResponse,
) -> ServiceDescription:
    """Raises IdentityMissing or InvalidInput naming the field."""
    return ServiceDescription(
        model=identity_from_proto(message.model, "model"),
        max_tokens=message.max_positions,
        adapters=tuple(adapter_info_from_proto(adapter) for adapter in message.adapters),
    )


def adapter_info_to_proto(adapter: AdapterInfo) -> latent_pb2.AdapterInfo:
    return latent_pb2.AdapterInfo(
        name=adapter.name,
        sha256=adapter.digest,
        method=METHOD.to_proto(adapter.method),
        sharer=identity_to_proto(adapter.sharer),
        receiver=identity_to_proto(adapter.receiver),
    )


def adapter_info_from_proto(message: latent_pb2.AdapterInfo) -> AdapterInfo:
    """Raises IdentityMissing or InvalidInput naming the field."""
    return AdapterInfo(
        name=message.name,
        digest=parse_digest(message.sha256, "adapters.sha256"),
        method=METHOD.from_proto(message.method, "adapters.method"),
        sharer=identity_from_proto(message.sharer, "adapters.sharer"),
        receiver=identity_from_proto(message.receiver, "adapters.receiver"),
    )
