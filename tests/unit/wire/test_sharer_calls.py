"""What a sharer is asked, and what it answers, is whole or refused by the field's name."""

from collections.abc import Callable

import pytest
from google.protobuf.message import Message

from latentflow.calls import LatentMeans, ShareCall
from latentflow.errors import EmptyInput, IdentityMissing, InvalidInput, LatentFlowError
from latentflow.latent import FlowName
from latentflow.quantisation import Quantisation
from latentflow.v1 import latent_pb2, sharer_pb2
from latentflow.wire import descriptions, share

LATENT = sharer_pb2.LatentMeans()
TEXT = sharer_pb2.TextMeans(max_tokens=32)


@pytest.mark.parametrize(
    ("call", "message", "from_proto"),
    [
        (
            ShareCall(
                context="c",
                means=LatentMeans(adapter="", quantisation=Quantisation.INT8),
                need="",
                flow=FlowName("default"),
                lifetime_seconds=3600,
                labels=(),
            ),
            sharer_pb2.ShareRequest(context="c", latent=LATENT),
            share.share_call_from_proto,
        ),
    ],
)
def test_what_is_left_out_means_the_default(
    call: object, message: Message, from_proto: Callable[[Message], object]
) -> None:
    assert from_proto(message) == call


@pytest.mark.parametrize(
    ("error", "field", "message", "from_proto"),
    [
        (
            EmptyInput,
            "context",
            sharer_pb2.ShareRequest(context=" \n", latent=LATENT),
            share.share_call_from_proto,
        ),
        (EmptyInput, "means", sharer_pb2.ShareRequest(context="c"), share.share_call_from_proto),
        (
            InvalidInput,
            "text.max_tokens",
            sharer_pb2.ShareRequest(context="c", text=sharer_pb2.TextMeans()),
            share.share_call_from_proto,
        ),
        (
            InvalidInput,
            "latent.quantisation",
            sharer_pb2.ShareRequest(
                context="c",
                latent=sharer_pb2.LatentMeans(quantisation=latent_pb2.QUANTISATION_NONE),
            ),
            share.share_call_from_proto,
        ),
        (
            InvalidInput,
            "flow",
            sharer_pb2.ShareRequest(context="c", text=TEXT, flow="Not a flow"),
            share.share_call_from_proto,
        ),
        (
            InvalidInput,
            "lifetime_seconds",
            sharer_pb2.ShareRequest(context="c", text=TEXT, lifetime_seconds=604_801),
            share.share_call_from_proto,
        ),
        (
            InvalidInput,
            "labels",
            sharer_pb2.ShareRequest(
                context="c", text=TEXT, labels=[latent_pb2.Label(key="k")] * 17
            ),
            share.share_call_from_proto,
        ),
        (EmptyInput, "step", sharer_pb2.ShareResponse(), share.share_event_from_proto),
        (
            EmptyInput,
            "latent.manifest",
            sharer_pb2.ShareResponse(committed=sharer_pb2.Committed()),
            share.share_event_from_proto,
        ),
        (
            IdentityMissing,
            "model.name",
            sharer_pb2.DescribeSharerResponse(),
            descriptions.sharer_description_from_proto,
        ),
        (
            IdentityMissing,
            "adapters.sha256",
            latent_pb2.AdapterInfo(name="a"),
            descriptions.adapter_info_from_proto,
        ),
    ],
)
def test_what_is_missing_or_out_of_range_is_refused_by_its_name(
    error: type[LatentFlowError],
    field: str,
    message: Message,
    from_proto: Callable[[Message], object],
) -> None:
    with pytest.raises(error) as refusal:
        from_proto(message)
    assert type(refusal.value) is error
    assert refusal.value.details()["field"] == field
