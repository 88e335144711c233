"""What the broker is asked, and what it answers, is whole or refused by the field's name."""

from collections.abc import Callable

import pytest
from google.protobuf.message import Message

from latentflow.errors import EmptyInput, IdentityMissing, InvalidInput, LatentFlowError
from latentflow.latent import Commit, Digest, FlowName, Frame, LatentId
from latentflow.protection import Signature
from latentflow.relay import (
    MAX_WHOLE_BYTES,
    MAX_WHOLE_FRAMES,
    ListCall,
    Open,
    SubscribeCall,
    WatchCall,
    Whole,
)
from latentflow.v1 import broker_pb2, latent_pb2
from latentflow.wire import flows, infos, inspection, latents, lineage, publish, subscribe
from latentflow.wire.manifests import MAX_MANIFEST_BYTES, manifest_to_bytes
from tests.unit.wire.examples import layout, manifest

ID = "01K3ABCDEFGHJKMNPQRSTVWXYZ"
MANIFEST = manifest_to_bytes(manifest(layout(width=4)))
COMMITTED = latent_pb2.LATENT_STATE_COMMITTED


@pytest.mark.parametrize(
    ("call", "message", "from_proto"),
    [
        (
            SubscribeCall(latent_id=LatentId(ID), first_frame=0),
            broker_pb2.SubscribeRequest(latent_id=ID),
            subscribe.subscribe_call_from_proto,
        ),
        (
            WatchCall(flow=FlowName("f"), group="", consumer=""),
            broker_pb2.WatchRequest(flow="f"),
            flows.watch_call_from_proto,
        ),
        (
            ListCall(flow=None, page_size=50, page_token=""),
            broker_pb2.ListLatentsRequest(),
            flows.list_call_from_proto,
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
        (EmptyInput, "step", broker_pb2.PublishRequest(), publish.publish_step_from_proto),
        (
            EmptyInput,
            "manifest",
            broker_pb2.PublishRequest(open=broker_pb2.PublishOpen()),
            publish.publish_step_from_proto,
        ),
        (
            InvalidInput,
            "abort.problem",
            broker_pb2.PublishRequest(abort=broker_pb2.PublishAbort(problem="two\nlines")),
            publish.publish_step_from_proto,
        ),
        (EmptyInput, "payload", latent_pb2.Frame(raw_bytes=1), latents.frame_from_proto),
        (InvalidInput, "frame", latent_pb2.Frame(payload=b"x"), latents.frame_from_proto),
        (EmptyInput, "step", broker_pb2.PublishResponse(), publish.publish_event_from_proto),
        (EmptyInput, "step", broker_pb2.SubscribeResponse(), subscribe.stream_step_from_proto),
        (
            InvalidInput,
            "latent_id",
            broker_pb2.SubscribeRequest(),
            subscribe.subscribe_call_from_proto,
        ),
        (
            InvalidInput,
            "latent.state",
            latent_pb2.LatentInfo(manifest=MANIFEST),
            infos.latent_info_from_proto,
        ),
        (
            EmptyInput,
            "latent.commit",
            latent_pb2.LatentInfo(manifest=MANIFEST, state=COMMITTED),
            infos.latent_info_from_proto,
        ),
        (InvalidInput, "flow", broker_pb2.WatchRequest(), flows.watch_call_from_proto),
        (
            EmptyInput,
            "consumer",
            broker_pb2.WatchRequest(flow="f", group="g"),
            flows.watch_call_from_proto,
        ),
        (
            InvalidInput,
            "consumer",
            broker_pb2.WatchRequest(flow="f", consumer="c"),
            flows.watch_call_from_proto,
        ),
        (
            InvalidInput,
            "group",
            broker_pb2.WatchRequest(flow="f", group="g" * 256, consumer="c"),
            flows.watch_call_from_proto,
        ),
        (EmptyInput, "group", broker_pb2.AckRequest(flow="f"), flows.ack_call_from_proto),
        (
            InvalidInput,
            "delivery_ids",
            broker_pb2.AckRequest(flow="f", group="g", delivery_ids=[""]),
            flows.ack_call_from_proto,
        ),
        (
            InvalidInput,
            "page_size",
            broker_pb2.ListLatentsRequest(page_size=501),
            flows.list_call_from_proto,
        ),
        (InvalidInput, "latent_id", broker_pb2.GetLatentRequest(), flows.get_call_from_proto),
        (
            InvalidInput,
            "latent_id",
            broker_pb2.RevokeLatentRequest(),
            lineage.revoke_call_from_proto,
        ),
        (
            InvalidInput,
            "latent_id",
            broker_pb2.GetLineageRequest(),
            lineage.lineage_call_from_proto,
        ),
        (InvalidInput, "flow", broker_pb2.FindLatentRequest(), lineage.find_call_from_proto),
        (
            IdentityMissing,
            "content_hmac_sha256",
            broker_pb2.FindLatentRequest(flow="f"),
            lineage.find_call_from_proto,
        ),
        (
            EmptyInput,
            "expire_time",
            broker_pb2.RenewLatentRequest(latent_id=ID),
            lineage.renew_call_from_proto,
        ),
        (
            EmptyInput,
            "reader",
            broker_pb2.RecordUseRequest(latent_id=ID),
            lineage.use_call_from_proto,
        ),
        (
            EmptyInput,
            "generation",
            broker_pb2.RecordUseRequest(latent_id=ID, reader="r"),
            lineage.use_call_from_proto,
        ),
        (EmptyInput, "time", broker_pb2.InspectResponse(), inspection.inspection_from_proto),
        (
            InvalidInput,
            "flow",
            broker_pb2.ListFlowsResponse(flows=[broker_pb2.FlowInfo()]),
            inspection.flows_from_proto,
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


def test_the_broker_relays_a_manifest_that_it_did_not_read() -> None:
    step = publish.publish_step_from_proto(
        broker_pb2.PublishRequest(open=broker_pb2.PublishOpen(manifest=b"\xff"))
    )
    assert step == Open(manifest_bytes=b"\xff")
    assert subscribe.stream_step_to_proto(step).manifest == b"\xff"


def test_the_largest_latent_that_may_come_whole_is_within_the_largest_request() -> None:
    frames = tuple(
        Frame(
            index=index,
            payload=bytes(MAX_WHOLE_BYTES // MAX_WHOLE_FRAMES),
            raw_bytes=2**32 - 1,
            crc32c=2**32 - 1,
        )
        for index in range(MAX_WHOLE_FRAMES)
    )
    commit = Commit(
        frames=MAX_WHOLE_FRAMES,
        payload_bytes=MAX_WHOLE_BYTES,
        sha256=Digest("f" * 64),
        signature=Signature(key_id="f" * 16, ed25519="f" * 128),
    )
    whole = Whole(manifest_bytes=bytes(MAX_MANIFEST_BYTES), frames=frames, commit=commit)
    assert publish.publish_step_to_proto(whole).ByteSize() <= publish.MAX_REQUEST_BYTES
