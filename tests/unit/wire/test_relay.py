"""A frame relayed as bytes is the frame that was sent."""

import pytest
from hypothesis import given

from latentflow.errors import EmptyInput, MessageMalformed
from latentflow.latent import MAX_FRAME_BYTES, Frame
from latentflow.v1 import broker_pb2
from latentflow.wire.relay import frame_from_bytes, frame_response, frame_to_bytes
from latentflow.wire.subscribe import stream_step_from_proto, stream_step_to_proto
from tests.unit.wire import strategies as values
from tests.unit.wire.examples import framed


@given(values.frames)
def test_a_frame_comes_back_from_its_bytes(frame: Frame) -> None:
    assert frame_from_bytes(frame_to_bytes(frame)) == frame


@pytest.mark.parametrize("payload_bytes", [1, 100, 127, 128, 16_383, 16_384, MAX_FRAME_BYTES])
def test_a_relayed_frame_is_what_protobuf_would_have_written(payload_bytes: int) -> None:
    frame = framed(bytes(payload_bytes), raw_bytes=payload_bytes)
    response = frame_response(frame_to_bytes(frame))
    assert response == stream_step_to_proto(frame).SerializeToString()
    assert stream_step_from_proto(broker_pb2.SubscribeResponse.FromString(response)) == frame


def test_bytes_that_are_no_frame_are_malformed() -> None:
    with pytest.raises(MessageMalformed) as refusal:
        frame_from_bytes(b"\xff")
    assert refusal.value.field == "frame"
    with pytest.raises(EmptyInput):
        frame_from_bytes(b"")
